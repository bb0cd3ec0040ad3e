# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What every resource is: pure functions from what a host has to what it should have. PRIVATE to the winstack collections.

A resource does no I/O and imports nothing of Ansible, so all of it can be tested with plain data.
"""

from __future__ import annotations

import abc
import typing as t
from collections.abc import Mapping
from dataclasses import dataclass, field

from ansible_collections.winstack.windows.plugins.plugin_utils.engine.call import Call
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.driver import Facts
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.signatures import release_of
from ansible_collections.winstack.windows.plugins.plugin_utils.errors import HostError

Have = dict[str, t.Any]
"""All that a resource read of a host, as JSON-able data: what ``state=gathered`` returns and option ``have`` takes."""

Thing = dict[str, t.Any]
"""One managed object as property -> value; empty when it does not exist."""

STATE_OPTIONS: t.Final[dict[str, t.Any]] = {
    "state": {"type": "str", "choices": ["present", "absent", "gathered", "rendered"], "default": "present"},
    "have": {"type": "dict"},
}


@dataclass(frozen=True)
class Plan:
    """The calls that lead from ``before`` to ``after``. ``after`` names every property that has to read back.

    ``unmet`` tells what has to be there first. It stops a change; in check mode it only warns, since an earlier task of the
    same run may be the one that makes it. ``partial`` says that what remains can be planned only once these calls have run:
    the size of a virtual disk is known only when its file has been imported.
    """

    before: Thing
    after: Thing
    calls: tuple[Call, ...] = ()
    warnings: tuple[str, ...] = ()
    unmet: tuple[str, ...] = ()
    partial: bool = False


@dataclass(frozen=True)
class Resource(abc.ABC):
    """A thing wanted on a host.

    A subclass takes the validated options of its module, raises WantError from ``__init__`` for what no host could be
    given, and RefusedError from ``plan`` for what needs a word.
    """

    params: Mapping[str, t.Any] = field(repr=False)

    argument_spec: t.ClassVar[dict[str, t.Any]]
    """Options of the module, in the form of Ansible's argument specs."""
    constraints: t.ClassVar[dict[str, t.Any]] = {}
    """mutually_exclusive, required_together, required_one_of, required_if, required_by, as Ansible knows them."""
    sections: t.ClassVar[tuple[str, ...]]
    """Names of the sections (_sections.py) that ``read`` needs."""
    touches: t.ClassVar[tuple[str, ...]]
    """Names of the sections that a change may alter; they are gathered again after it."""

    @staticmethod
    @abc.abstractmethod
    def read(facts: Facts) -> Have:
        """Give all objects of this kind that the host has. Raise HostError if the host did not say."""

    @abc.abstractmethod
    def current(self, have: Have) -> Thing:
        """Give the wanted object as it is now."""

    @abc.abstractmethod
    def plan(self, have: Have, probed: Facts) -> Plan:
        """Give the way from what is there to what is wanted. ``probed`` answers ``probes``."""

    @classmethod
    def shown(cls, have: Have, params: Mapping[str, t.Any]) -> Have:
        """Give what ``state=gathered`` returns; options that only help to read may add to it."""
        return have

    def probes(self, have: Have) -> Mapping[str, Call]:
        """Give further questions that the plan needs, asked only where something may have to change."""
        return {}


def rows(facts: Facts, name: str, *, otherwise: str = "") -> list[Mapping[str, t.Any]]:
    """Give the objects of a section. Raise HostError, with advice ``otherwise``, if the host did not answer it."""
    section = facts[name]
    if section.ok:
        return list(section.data)
    raise HostError(
        f"The host did not list {name.replace('_', ' ')}: {reason(section.error)} {otherwise}".rstrip()
    )


def reason(error: t.Any) -> str:
    """Give a sentence on why Windows did not answer."""
    if error is None:
        return "the call was not run."
    if error.missing_cmdlet:
        return f"the cmdlet is not there ({error.message.rstrip('.')})."
    return f"{error.message.rstrip('.')} ({error.type}, {error.hresult})."


def release(facts: Facts) -> str:
    """Give the Windows Server release of the host, a member of _signatures.RELEASES."""
    return release_of(int(rows(facts, "os")[0]["BuildNumber"]))

# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What can go wrong, as sentences for the operator: the one family of errors, which other collections may import as well."""

from __future__ import annotations


class WinstackError(Exception):
    """The base of all errors that are shown to the operator: what was wanted, what is there, what to do."""


class WantError(WinstackError):
    """The task asks for something that no host could be given; nothing was sent to the host."""


class RefusedError(WinstackError):
    """The change was not made: it would destroy, or touch what somebody else owns, and no word allows it."""


class HostError(WinstackError):
    """The host did not answer the question, or refused a change."""


class CallError(WinstackError):
    """A call does not fit the published signature of its cmdlet; nothing was sent to the host."""

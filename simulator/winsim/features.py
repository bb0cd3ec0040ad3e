# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Roles and features of a simulated host, as Server Manager's cmdlets see them."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from winsim.errors import FeatureError
from winsim.feature_table import FEATURES, MINIMAL_EDITIONS, MINIMAL_FEATURES, RELEASES, FeatureRow

AVAILABLE, INSTALLED, REMOVED = "Available", "Installed", "Removed"
INSTALL_PENDING, UNINSTALL_PENDING = "InstallPending", "UninstallPending"
KINDS = {"R": "Role", "S": "Role Service", "F": "Feature"}


@dataclass
class Feature:
    """One feature. ``state`` is Server Manager's InstallState; ``needs`` and ``tools`` are names.

    ``downloadable`` tells of a removed payload that Windows Update gives (as .NET 3.5 on a fresh server).
    """

    name: str
    display_name: str
    kind: str
    parent: str | None
    state: str = AVAILABLE
    needs: list[str] = field(default_factory=list)
    tools: list[str] = field(default_factory=list)
    restart_install: bool = False
    restart_remove: bool = False
    subfeatures: list[str] = field(default_factory=list)
    depth: int = 1
    path: str = ""
    id: int = 0
    downloadable: bool = False

    @property
    def installed(self) -> bool:
        """Get-WindowsFeature's ``Installed``: true while a removal waits for the reboot, too."""
        return self.state in (INSTALLED, UNINSTALL_PENDING)


@dataclass
class FeatureResult:
    """One line of the FeatureResult of Install- or Uninstall-WindowsFeature."""

    feature: Feature
    restart_needed: bool
    success: bool = True
    skip_reason: str = "NotSkipped"
    messages: list[str] = field(default_factory=list)


@dataclass
class FeatureOperation:
    """What Install- and Uninstall-WindowsFeature return; ``restart_needed`` is Yes, No or Maybe."""

    success: bool
    restart_needed: str
    exit_code: str
    results: list[FeatureResult]


class FeatureManager:
    """The features that an edition of a release has, and what is installed.

    ``on_installed`` and ``on_removed`` are called with the feature when it becomes usable or unusable, ``on_pending``
    when something begins to wait for a restart. ``fails_while_pending``: whether Get-WindowsFeature fails then.
    """

    def __init__(self, release: str, edition: str = "datacenter", *, unavailable: Iterable[str] = ()) -> None:
        self.on_installed: list[Callable[[Feature], None]] = []
        self.on_removed: list[Callable[[Feature], None]] = []
        self.on_pending: list[Callable[[], None]] = []
        self.fails_while_pending = False
        self._features: dict[str, Feature] = {}
        missing = {name.lower() for name in unavailable}
        for index, row in enumerate(FEATURES):
            if row.name.lower() not in missing and _in_edition(row, release, edition):
                self._features[row.name.lower()] = _feature(row, index + 1, release)
        for feature in self:
            self._place(feature)

    def _place(self, feature: Feature) -> None:
        parent = self.find(feature.parent) if feature.parent else None
        feature.path = feature.display_name
        if parent is not None:
            parent.subfeatures.append(feature.name)
            feature.depth = parent.depth + 1
            feature.path = f"{parent.path}\\{feature.display_name}"

    # Reading ------------------------------------------------------------------------------------------------

    def __iter__(self) -> Iterator[Feature]:
        return iter(self._features.values())

    def find(self, name: str) -> Feature | None:
        """A feature by name (case-insensitive), or None."""
        return self._features.get(name.lower())

    def get(self, name: str) -> Feature:
        """As ``find``; FeatureError if this edition has no such feature."""
        feature = self.find(name)
        if feature is None:
            raise FeatureError(
                f"ArgumentNotValid: The role, role service, or feature name is not valid: '{name}'. "
                "The name was not found.",
                dotnet="System.Exception",
            )
        return feature

    def match(self, pattern: str) -> list[Feature]:
        """Features whose name matches a wildcard pattern, in table order (none is no error)."""
        return [f for f in self if fnmatch.fnmatchcase(f.name.lower(), pattern.lower())]

    def is_installed(self, name: str) -> bool:
        """Whether a feature is installed and usable (a pending one is not)."""
        feature = self.find(name)
        return feature is not None and feature.installed

    @property
    def reboot_pending(self) -> bool:
        """Whether an installation or removal waits for a restart."""
        return any(f.state in (INSTALL_PENDING, UNINSTALL_PENDING) for f in self)

    # Install ------------------------------------------------------------------------------------------------

    def install(
        self,
        names: Iterable[str],
        *,
        subfeatures: bool = False,
        tools: bool = False,
        source: str | None = None,
        what_if: bool = False,
    ) -> FeatureOperation:
        """Install-WindowsFeature: the named features with parents, needs and, if asked, all below and tools."""
        asked = [self.get(name) for name in names]
        wanted: dict[str, Feature] = {}
        for feature in [*asked, *(below for f in asked if subfeatures for below in self._below(f))]:
            self._collect(feature, wanted, tools=tools)
        missing = [f for f in wanted.values() if f.state in (AVAILABLE, REMOVED, UNINSTALL_PENDING)]
        missing.sort(key=lambda f: f.id)
        removed = [f for f in missing if f.state == REMOVED and not f.downloadable]
        if removed and not source and not what_if:
            raise _source_error()
        pending = any(f.state == INSTALL_PENDING for f in asked)
        results = [FeatureResult(f, f.restart_install) for f in missing]
        if not what_if:
            self._install_all(missing)
        return _operation(results, what_if=what_if, pending=pending)

    def _below(self, feature: Feature) -> Iterator[Feature]:
        for name in feature.subfeatures:
            yield self._features[name.lower()]
            yield from self._below(self._features[name.lower()])

    def _collect(self, feature: Feature, wanted: dict[str, Feature], *, tools: bool) -> None:
        if feature.name in wanted:
            return
        wanted[feature.name] = feature
        more = feature.tools if tools else []
        for name in [feature.parent, *feature.needs, *more]:
            other = self.find(name) if name else None
            if other is not None:
                self._collect(other, wanted, tools=False)

    def _install_all(self, features: list[Feature]) -> None:
        restart = {f.name for f in features if f.restart_install}
        for feature in features:
            if feature.state == UNINSTALL_PENDING:
                feature.state = INSTALLED
            elif feature.name in restart:
                self._wait(feature, INSTALL_PENDING)
            else:
                self._finish_install(feature)

    def _wait(self, feature: Feature, state: str) -> None:
        feature.state = state
        for callback in self.on_pending:
            callback()

    def _finish_install(self, feature: Feature) -> None:
        feature.state = INSTALLED
        for callback in self.on_installed:
            callback(feature)

    # Uninstall ----------------------------------------------------------------------------------------------

    def uninstall(
        self, names: Iterable[str], *, tools: bool = False, what_if: bool = False
    ) -> FeatureOperation:
        """Uninstall-WindowsFeature: the named features, everything below and everything that needs them."""
        asked = [self.get(name) for name in names]
        doomed: dict[str, Feature] = {}
        for feature in asked:
            self._collect_removal(feature, doomed, tools=tools)
        present = [f for f in doomed.values() if f.state in (INSTALLED, INSTALL_PENDING)]
        present.sort(key=lambda f: f.id)
        pending = any(f.state == UNINSTALL_PENDING for f in asked)
        results = [FeatureResult(f, f.restart_remove and f.state == INSTALLED) for f in present]
        if not what_if:
            for feature in reversed(present):
                self._uninstall_one(feature)
        return _operation(results, what_if=what_if, pending=pending)

    def _collect_removal(self, feature: Feature, doomed: dict[str, Feature], *, tools: bool) -> None:
        if feature.name in doomed:
            return
        doomed[feature.name] = feature
        dependants = [f.name for f in self if feature.name in f.needs and _needs_strictly(f, feature)]
        for name in [*feature.subfeatures, *dependants, *(feature.tools if tools else [])]:
            other = self.find(name)
            if other is not None:
                self._collect_removal(other, doomed, tools=tools)

    def _uninstall_one(self, feature: Feature) -> None:
        if feature.state == INSTALL_PENDING:
            feature.state = AVAILABLE
        elif feature.restart_remove:
            self._wait(feature, UNINSTALL_PENDING)
        else:
            self._finish_removal(feature)

    def _finish_removal(self, feature: Feature) -> None:
        feature.state = AVAILABLE
        for callback in self.on_removed:
            callback(feature)

    # Boot and set-up ----------------------------------------------------------------------------------------

    def boot(self) -> None:
        """Complete what waited for the restart."""
        for feature in self:
            if feature.state == INSTALL_PENDING:
                self._finish_install(feature)
            elif feature.state == UNINSTALL_PENDING:
                self._finish_removal(feature)

    def preinstall(self, names: Iterable[str]) -> None:
        """Install features as part of the machine's image: no pending state is left."""
        self.install(names, source="image")
        self.boot()

    def mark_removed(self, names: Iterable[str]) -> None:
        """Take the payload of features out of the image (``Uninstall-WindowsFeature -Remove``)."""
        for name in names:
            feature = self.get(name)
            feature.state, feature.downloadable = REMOVED, False


def _needs_strictly(feature: Feature, needed: Feature) -> bool:
    """Web-Server brings its default role services along but does not depend on them."""
    return needed.parent is None or not needed.path.startswith(f"{feature.path}\\")


def _source_error() -> FeatureError:
    return FeatureError(
        "The request to add or remove features on the specified server failed.\r\n"
        "Installation of one or more roles, role services, or features failed.\r\n"
        "The source files could not be found.\r\n"
        'Use the "Source" option to specify the location of the files that are required to restore the feature. '
        "For more information on specifying a source location, see https://go.microsoft.com/fwlink/?LinkId=243077. "
        "Error: 0x800f081f",
        code=0x081F,
        dotnet="System.Exception",
    )


def _operation(results: list[FeatureResult], *, what_if: bool, pending: bool) -> FeatureOperation:
    restart = any(result.restart_needed for result in results)
    if not results:
        return FeatureOperation(True, "Yes" if pending else "No", "NoChangeNeeded", [])
    if what_if:  # Windows cannot tell beforehand
        return FeatureOperation(True, "Maybe" if restart else "No", "Success", results)
    code = "SuccessRestartRequired" if restart else "Success"
    return FeatureOperation(True, "Yes" if restart else "No", code, results)


def _flags(row: FeatureRow) -> dict[str, str]:
    return {name: value for name, _, value in (flag.partition("=") for flag in row.flags.split())}


# https://learn.microsoft.com/dotnet/framework/install/on-server-2016 and its neighbours
_DOTNET = {"2012r2": "4.5", "2016": "4.6", "2019": "4.7", "2022": "4.8", "2025": "4.8"}


def _feature(row: FeatureRow, number: int, release: str) -> Feature:
    flags = _flags(row)
    state = INSTALLED if "i" in flags else REMOVED if "x" in flags else AVAILABLE
    return Feature(
        row.name,
        row.display_name.replace("{dotnet}", _DOTNET[release]),
        KINDS[row.kind],
        row.parent or None,
        state,
        needs=[name for name in flags.get("needs", "").split(",") if name],
        tools=[name for name in flags.get("tools", "").split(",") if name],
        restart_install="r" in flags,
        restart_remove="u" in flags,
        id=number,
        downloadable=state == REMOVED,
    )


def _in_edition(row: FeatureRow, release: str, edition: str) -> bool:
    flags = _flags(row)
    order = RELEASES.index(release)
    if "since" in flags and order < RELEASES.index(flags["since"]):
        return False
    if "until" in flags and order > RELEASES.index(flags["until"]):
        return False
    if edition in MINIMAL_EDITIONS:
        return row.name in MINIMAL_EDITIONS[edition] | MINIMAL_FEATURES
    if "gui" in flags and edition.endswith("core"):
        return False
    return "dc" not in flags or edition.startswith("datacenter")

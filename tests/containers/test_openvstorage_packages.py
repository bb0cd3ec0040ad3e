# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role openvstorage_packages on real apt: Debian nodes with the repositories of tools/apt_archive.py."""

from __future__ import annotations

import base64
import json
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from linux_nodes import ROOT, Outcome, apt_archive, nodes, play

from conftest import start

QEMU, NEW_QEMU = "1:2.5+dfsg-5ubuntu10.24", "99:2.5+dfsg-0ovs2.0-5ubuntu10.2"
LIBVIRT, OLD_LIBVIRT = "2.1.0-1ubuntu9.1~cloud0", "1.3.1-0ovs2.1-1ubuntu10.5"
NOVA = "2:14.0.4-0ubuntu1"
FILES = """
import hashlib, os
for top in ("/etc/apt", "/usr/share/keyrings", "/var/lib/winstack", "/var/lib/apt/lists"):
    for folder, folders, files in sorted(os.walk(top)):
        for path in [folder] + [os.path.join(folder, name) for name in sorted(files) if name != "lock"]:
            status = os.lstat(path)
            data = open(path, "rb").read() if os.path.isfile(path) else b""
            print(path, oct(status.st_mode), status.st_uid, status.st_gid, hashlib.sha256(data).hexdigest())
"""
CONVERGED = {
    "libovsvolumedriver": "6.13.0",
    "libvirt-bin": OLD_LIBVIRT,
    "libvirt0": OLD_LIBVIRT,
    "qemu-system-x86": NEW_QEMU,
    "qemu-utils": NEW_QEMU,
}
ROLE = "winstack.openstack.openvstorage_packages"


class Cloud:
    """A compute node of its own for each test, and the role on it."""

    def __init__(self, node: Any, folder: Path) -> None:
        self.node = node
        self.folder = folder

    def repository(self, name: str = "vendor", **key: str) -> dict[str, Any]:
        """A repository of the node, as the role's variable has it."""
        found = apt_archive.repository(self.node, name)
        if key:
            found["key"] = {"fingerprint": found["key"]["fingerprint"]} | key
        return found

    def converge(self, *arguments: str, **variables: Any) -> Outcome:
        """Run the role; names go without their prefix."""
        variables.setdefault("repository", self.repository())
        given = {f"openvstorage_packages_{name}": value for name, value in variables.items()}
        task = {"name": "Packages", "ansible.builtin.include_role": {"name": ROLE}}
        return play(self.node, [task], self.folder, *arguments, variables=given)

    def roll_back(self, *arguments: str, **variables: Any) -> Outcome:
        """Run the way back."""
        given = {f"openvstorage_packages_{name}": value for name, value in variables.items()}
        task = {"name": "Back", "ansible.builtin.include_role": {"name": ROLE, "tasks_from": "rollback"}}
        return play(self.node, [task], self.folder, *arguments, variables=given)

    def versions(self) -> dict[str, str]:
        """Installed packages."""
        text = self.node.shell("dpkg-query -W -f '${db:Status-Abbrev}|${Package}|${Version}\\n'")
        rows = [line.split("|") for line in text.splitlines()]
        return {name: version for status, name, version in rows if status.startswith("ii")}

    def state(self) -> set[str]:
        """Every byte that the role has to do with: files with their modes, packages, marks, indexes."""
        packages = "dpkg-query -W -f '${db:Status-Abbrev} ${Package} ${Version}\\n'; apt-mark showauto"
        text = self.node.run("python3", "-", text=FILES).stdout + self.node.shell(packages)
        return set(text.splitlines())

    def simulate(self, command: str) -> str:
        """What apt-get would do."""
        return str(self.node.shell(f"LC_ALL=C apt-get -s -y {command} 2>&1", check=False))

    def touched(self, command: str) -> set[str]:
        """Packages that apt-get would install, change or remove."""
        return set(re.findall(r"^(?:Inst|Remv|Purg) (\S+)", self.simulate(command), re.MULTILINE))


@pytest.fixture(scope="session")
def prepared() -> Iterator[Callable[[str], str]]:
    """Make a prepared image of a release, once."""
    made: dict[str, str] = {}

    def make(release: str) -> str:
        if release not in made:
            node = start(f"prepare-{release}-{os.getpid()}", release, options=apt_archive.HOSTS)
            image = f"localhost/winstack-packages:{release}-{os.getpid()}"
            try:
                apt_archive.add(node)
                node.shell("systemctl enable --now nova-compute")
                nodes.keep(node, image)
            finally:
                nodes.stop(node.name)
            made[release] = image
        return made[release]

    yield make
    for image in made.values():
        nodes.forget(image)


@pytest.fixture
def cloud_of(prepared: Callable[[str], str], tmp_path: Path) -> Iterator[Callable[[str], Cloud]]:
    """Start a compute node of a release, for one test."""
    started: list[str] = []

    def make(release: str) -> Cloud:
        name = f"packages-{release}-{os.getpid()}"
        node = start(name, release, image=prepared(release), options=apt_archive.HOSTS)
        started.append(name)
        node.shell(apt_archive.WAIT)
        return Cloud(node, tmp_path)

    yield make
    nodes.stop(*started)


@pytest.fixture
def cloud(cloud_of: Callable[[str], Cloud]) -> Cloud:
    return cloud_of("bookworm")


def services(cloud: Cloud) -> str:
    """When nova-compute started; it must not have been touched."""
    return str(
        cloud.node.shell("systemctl show -p ActiveState -p ActiveEnterTimestampMonotonic nova-compute")
    )


def survived(cloud: Cloud, started: str) -> None:
    """The vendor's packages are there, and nova-compute neither went nor restarted."""
    versions = cloud.versions()
    assert {name: versions[name] for name in CONVERGED} == CONVERGED
    assert {"nova-compute", "nova-compute-kvm", "nova-compute-libvirt", "python-libvirt"} <= set(versions)
    assert services(cloud) == started


# The whole way -------------------------------------------------------------------------------------------------------


def test_downgrade_in_place_and_again(cloud: Cloud) -> None:
    started = services(cloud)
    converged = cloud.converge(allow_downgrade=True)
    assert converged.status == 0, converged.output
    survived(cloud, started)
    again = cloud.converge(allow_downgrade=True)
    assert (again.status, again.changed) == (0, 0), again.output


@pytest.mark.full
@pytest.mark.parametrize("release", ["bullseye", "bookworm", "trixie"])
def test_the_whole_way_on(release: str, cloud_of: Callable[[str], Cloud]) -> None:
    """Look, refuse, converge, do nothing, roll back, do nothing."""
    cloud = cloud_of(release)
    before, started = cloud.state(), services(cloud)

    looked = cloud.converge("--check", "--diff", allow_downgrade=True)
    assert looked.status == 0, looked.output
    assert looked.changed > 0
    assert f"-libvirt0 {LIBVIRT}\n" in looked.output
    assert f"+libvirt0 {OLD_LIBVIRT}\n" in looked.output
    assert cloud.state() ^ before == set()

    refused = cloud.converge()
    assert refused.status == 2, refused.output
    assert f"libvirt0 would go down from {LIBVIRT} to {OLD_LIBVIRT}" in refused.sentences
    assert cloud.state() ^ before == set()

    converged = cloud.converge(allow_downgrade=True)
    assert converged.status == 0, converged.output
    survived(cloud, started)
    again = cloud.converge(allow_downgrade=True)
    assert (again.status, again.changed) == (0, 0), again.output
    # Later upgrades keep it.
    assert cloud.touched("upgrade") == cloud.touched("dist-upgrade") == set()

    back = cloud.roll_back()
    assert back.status == 0, back.output
    assert cloud.state() ^ before == set()
    assert services(cloud) == started
    again = cloud.roll_back()
    assert (again.status, again.changed) == (0, 0), again.output


# Errors of the vendor's guide ----------------------------------------------------------------------------------------


@pytest.mark.full
def test_guide_error_11_the_purge_takes_nova_away(cloud: Cloud) -> None:
    named = cloud.node.shell("dpkg -l | grep 'libvirt\\|qemu' | awk '{print $2}'").split()
    gone = cloud.touched(f"purge {' '.join(named)}")
    assert {
        "nova-compute",
        "nova-compute-kvm",
        "nova-compute-libvirt",
        "python-libvirt",
        "qemu-guest-agent",
    } <= gone
    # The role never gets there: what it plans is a change in place.
    plan = cloud.converge("--check", "--diff", allow_downgrade=True)
    assert plan.status == 0, plan.output
    assert "nova" not in "\n".join(line for line in plan.output.splitlines() if line.startswith(("-", "+")))


@pytest.mark.full
def test_guide_error_11_a_plan_that_removes_what_nova_needs_is_refused(cloud: Cloud) -> None:
    before = cloud.state()
    outcome = cloud.converge(repository=cloud.repository("other"), names=["libvirt0"], allow_downgrade=True)
    assert outcome.status == 2, outcome.output
    for name in ("nova-compute", "nova-compute-libvirt", "python-libvirt"):
        assert f"{name} would be removed, and is protected." in outcome.sentences
    assert cloud.state() ^ before == set()


@pytest.mark.full
def test_guide_error_12_a_pin_of_everything_downgrades_what_is_no_business_of_it(cloud: Cloud) -> None:
    line = f"deb [signed-by=/srv/apt/vendor.gpg] http://{apt_archive.VENDOR}/vendor unstable main\n"
    cloud.node.put("/etc/apt/sources.list.d/guide.list", line)
    cloud.node.put(
        "/etc/apt/preferences", f"Package: *\nPin: origin {apt_archive.VENDOR}\nPin-Priority: 1000\n"
    )
    cloud.node.shell("apt-get -qq update")
    assert {"tzdata", "python-six"} <= cloud.touched("--allow-downgrades dist-upgrade")
    warned = cloud.converge("--check", allow_downgrade=True)
    assert f"/etc/apt/preferences pins every package of 'origin {apt_archive.VENDOR}'" in warned.output

    cloud.node.shell("rm /etc/apt/sources.list.d/guide.list")
    cloud.node.put("/etc/apt/preferences", apt_archive.PREFERENCES)
    outcome = cloud.converge(allow_downgrade=True)
    assert outcome.status == 0, outcome.output
    assert cloud.touched("--allow-downgrades dist-upgrade") == set()
    assert cloud.node.shell("cat /etc/apt/preferences") == apt_archive.PREFERENCES
    refused = cloud.converge(pinned=["libvirt0", "*"])
    assert refused.status == 2
    assert "an entry of wildcards alone" in refused.sentences


@pytest.mark.full
def test_guide_error_12_pins_must_not_hit_other_repositories_of_the_host(cloud: Cloud) -> None:
    line = f"deb [signed-by=/srv/apt/other.gpg] http://{apt_archive.VENDOR}/other unstable main\n"
    cloud.node.put("/etc/apt/sources.list.d/mirror.list", line)
    cloud.node.shell("apt-get -qq update")
    refused = cloud.converge("--check", allow_downgrade=True)
    assert refused.status == 2, refused.output
    assert (
        f"The pins by 'origin {apt_archive.VENDOR}' would hit http://{apt_archive.VENDOR}/other as well"
        in refused.sentences
    )
    allowed = cloud.converge("--check", allow_downgrade=True, pin="release o=vendor")
    assert allowed.status == 0, allowed.output


@pytest.mark.full
def test_guide_error_13_only_a_full_fingerprint_is_trusted_and_only_for_its_source(cloud: Cloud) -> None:
    before = cloud.state()
    repository = cloud.repository()
    fingerprint = repository["key"]["fingerprint"]
    other = cloud.repository("other")["key"]["fingerprint"]
    for wrong, sentence in (
        (fingerprint[-8:], "is not one of 40 (or 64) hexadecimal digits"),
        (other, f"its fingerprint is {fingerprint}, wanted is {other}"),
    ):
        repository["key"]["fingerprint"] = wrong
        refused = cloud.converge(repository=repository, allow_downgrade=True)
        assert refused.status == 2, refused.output
        assert sentence in refused.sentences
        assert cloud.state() ^ before == set()
    # A repository that another key signs is no better, though the key is the one that was announced.
    mixed = cloud.repository() | {"url": f"http://{apt_archive.VENDOR}/other"}
    refused = cloud.converge(repository=mixed, allow_downgrade=True)
    assert refused.status == 2, refused.output
    assert "cannot be used, and nothing was changed" in refused.sentences
    assert cloud.state() ^ before == set()

    outcome = cloud.converge(allow_downgrade=True)
    assert outcome.status == 0, outcome.output
    added = {line.split()[0] for line in cloud.state() - before if line.startswith(("/etc/apt/", "/usr/"))}
    assert added == {
        "/etc/apt/preferences.d/openvstorage.pref",
        "/etc/apt/sources.list.d/openvstorage.sources",
        "/usr/share/keyrings/openvstorage.gpg",
    }


@pytest.mark.full
def test_guide_error_13_apt_key_is_gone_from_debian_13(cloud_of: Callable[[str], Cloud]) -> None:
    assert cloud_of("trixie").node.run("sh", "-c", "command -v apt-key", check=False).returncode != 0


@pytest.mark.full
def test_guide_error_14_names_that_the_repository_lacks_are_told(cloud: Cloud) -> None:
    before = cloud.state()
    other = cloud.repository("other")
    refused = cloud.converge(repository=other, allow_downgrade=True)
    assert refused.status == 2, refused.output
    for name in ("libovsvolumedriver", "libvirt-bin", "qemu-system-x86"):
        assert f"{name} is not offered by http://{apt_archive.VENDOR}/other" in refused.sentences
    assert cloud.state() ^ before == set()
    outcome = cloud.converge(repository=other, names=["qemu-utils"])
    assert outcome.status == 0, outcome.output
    assert cloud.versions()["qemu-utils"] == NEW_QEMU


# Other trouble -------------------------------------------------------------------------------------------------------


@pytest.mark.full
def test_a_repository_that_does_not_answer(cloud: Cloud) -> None:
    before = cloud.state()
    key = {"content": cloud.node.shell("cat /srv/apt/vendor.asc")}
    cloud.node.shell("systemctl stop archive")
    for repository, sentence in (
        (cloud.repository(), f"The key could not be got from http://{apt_archive.VENDOR}/vendor.asc"),
        (
            cloud.repository(**key),
            f"The repository http://{apt_archive.VENDOR}/vendor cannot be used, and nothing was changed.",
        ),
    ):
        refused = cloud.converge(repository=repository, allow_downgrade=True)
        assert refused.status == 2, refused.output
        assert sentence in refused.sentences
        assert "Traceback" not in refused.output
        assert cloud.state() ^ before == set()

    cloud.node.shell(f"systemctl start archive; {apt_archive.WAIT}")
    assert cloud.converge(allow_downgrade=True).status == 0
    cloud.node.shell("systemctl stop archive")
    # What is there already can do without it, and so can the way back as far as the archive's indexes are there.
    again = cloud.converge(allow_downgrade=True)
    assert (again.status, again.changed) == (0, 0), again.output
    assert "did not answer as it should" in again.output


@pytest.mark.full
def test_running_guests_stop_a_change_and_nothing_else(cloud: Cloud) -> None:
    guest = "cp /bin/sleep /usr/local/bin/qemu-system-x86_64; systemd-run --unit=guest qemu-system-x86_64 infinity"
    cloud.node.shell(guest)
    before = cloud.state()
    refused = cloud.converge(allow_downgrade=True)
    assert refused.status == 2, refused.output
    assert "Guests run on this node (1 processes of qemu)" in refused.sentences
    assert cloud.state() ^ before == set()

    cloud.node.put("/usr/local/bin/virsh", "#!/bin/sh\necho instance-0000002a\n")
    cloud.node.shell("chmod +x /usr/local/bin/virsh")
    refused = cloud.converge("--check", allow_downgrade=True)
    assert "Guests run on this node (instance-0000002a)" in refused.sentences

    allowed = cloud.converge(allow_downgrade=True, allow_running_guests=True)
    assert allowed.status == 0, allowed.output
    assert cloud.converge(allow_downgrade=True).status == 0
    refused = cloud.roll_back()
    assert "Guests run on this node (instance-0000002a)" in refused.sentences
    cloud.node.shell("systemctl stop guest; rm /usr/local/bin/virsh")
    assert cloud.roll_back().status == 0
    assert cloud.state() ^ before == set()


@pytest.mark.full
def test_rollback_gives_files_of_before_back_after_several_runs(cloud: Cloud, tmp_path: Path) -> None:
    cloud.node.put("/etc/apt/sources.list.d/openvstorage.list", "# by hand\n")
    cloud.node.put(
        "/etc/apt/preferences.d/openvstorage.pref", "Package: qemu\nPin: release o=x\nPin-Priority: 1\n"
    )
    cloud.node.shell(
        "cp /srv/apt/other.gpg /usr/share/keyrings/openvstorage.gpg; chmod 640 /etc/apt/preferences.d/*"
    )
    cloud.node.shell("apt-mark auto libvirt0 qemu-utils >/dev/null; apt-mark manual libvirt-bin >/dev/null")
    before = cloud.state()

    first = cloud.converge(names=["qemu-utils"])
    assert first.status == 0, first.output
    key = tmp_path / "key.gpg"
    text = cloud.node.shell("base64 -w0 /srv/apt/vendor.gpg")
    key.write_bytes(base64.b64decode(text))
    repository = cloud.repository(file=str(key)) | {
        "format": "list",
        "components": ["main"],
        "architectures": ["amd64"],
    }
    second = cloud.converge(repository=repository, allow_downgrade=True)
    assert second.status == 0, second.output
    assert cloud.node.shell("cat /etc/apt/sources.list.d/openvstorage.list") == (
        f"deb [arch=amd64 signed-by=/usr/share/keyrings/openvstorage.gpg] http://{apt_archive.VENDOR}/vendor unstable main\n"
    )
    assert cloud.node.run(
        "test", "-e", "/etc/apt/sources.list.d/openvstorage.sources", check=False
    ).returncode
    described = json.loads((ROOT / "tests/openvstorage/archive.json").read_text())
    vendor = described["repositories"]["vendor"]
    vendor["packages"].append(f"qemu-utils {NEW_QEMU}.1")
    apt_archive.publish(cloud.node, json.dumps(described | {"repositories": {"vendor": vendor}}))
    third = cloud.converge(repository=repository, allow_downgrade=True)
    assert third.status == 0, third.output
    assert cloud.versions()["qemu-utils"] == f"{NEW_QEMU}.1"

    looked = cloud.roll_back("--check", "--diff")
    assert looked.status == 0, looked.output
    assert f"+qemu-utils {QEMU}\n" in looked.output
    back = cloud.roll_back()
    assert back.status == 0, back.output
    assert cloud.state() ^ before == set()


@pytest.mark.full
def test_mistakes_in_the_variables_are_told_before_anything_is_asked(cloud: Cloud) -> None:
    cloud.node.shell("systemctl stop archive")
    repository = cloud.repository() | {"url": "file:///srv/apt/vendor"}
    repository["key"]["content"] = "x"
    refused = cloud.converge(repository=repository, pinned=["qemu", "a b", "/./"])
    assert refused.status == 2
    for sentence in (
        "needs exactly one of url, file and content",
        "openvstorage_packages_pin has to be set",
        "neither names nor names with * and ?: a b, /./",
    ):
        assert sentence in refused.sentences

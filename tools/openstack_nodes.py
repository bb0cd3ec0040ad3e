# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Linux nodes that run the real cinder-volume and nova-compute, laid out like openstack-ansible.

A node is one of nodes.py, with the virtual environment of its service below /openstack/venvs. The environments come
from PyPI, in the versions of tests/openvstorage/*.txt, are made once and kept below build/; each node sees its own as an
overlay, so that what is patched in a node is gone with it. The node of nova also has the packages and repositories of
apt_archive.py. Where nodes or packages cannot be had, this ends with a sentence and the status 3.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from pathlib import Path
from typing import Any

import apt_archive
import nodes

SETUP = nodes.ROOT / "tests" / "openvstorage"
VENVS = nodes.FOLDER / "venvs"
# openstack-ansible names environments after its own release, not after that of the service.
TARGET = "/openstack/venvs/{service}-{release}"
OSA_RELEASE = "14.1.1"
PYTHON = "/usr/bin/python3"


def pinned(service: str, package: str) -> str:
    """The version that a service's requirements pin a package to."""
    lines = (SETUP / f"{service}.txt").read_text(encoding="utf-8").splitlines()
    return next(line.partition("==")[2] for line in lines if line.startswith(f"{package}=="))


def target(service: str) -> str:
    """Where the environment is in a node."""
    return TARGET.format(service=service, release=OSA_RELEASE)


def make_venv(service: str) -> Path:
    """The environment of a service, which is made if it is missing; that takes some minutes."""
    version = pinned(service, service)
    folder = VENVS / f"{service}-{version}-{nodes.codename()}"
    stamp, made_of = folder / ".complete", (SETUP / f"{service}.txt").read_text(encoding="utf-8")
    with nodes.alone(f"venv-{service}"):
        if not stamp.is_file() or stamp.read_text(encoding="utf-8") != made_of:
            shutil.rmtree(folder, ignore_errors=True)
            print(f"Making the environment of {service} {version} ...", file=sys.stderr, flush=True)
            fill(folder, service)
            relocate(folder, target(service))
            stamp.write_text(made_of, encoding="utf-8")
    return folder


def fill(folder: Path, service: str) -> None:
    """Install a service into a new environment, with this machine's own Python, which is that of the node."""
    pip = [str(folder / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "--quiet"]
    wheels = [f"{name}=={pinned(service, name)}" for name in (service, "os-brick")]
    for command in (
        [PYTHON, "-m", "venv", str(folder)],
        [*pip, "install", "--no-compile", f"--requirement={SETUP / f'{service}.txt'}"],
        # For tests that install them again: nodes have no network.
        [*pip, "download", "--no-deps", f"--dest={folder / 'wheels'}", *wheels],
    ):
        done = nodes.call(*command)
        if done.returncode:
            shutil.rmtree(folder, ignore_errors=True)
            raise nodes.Unavailable(f"The environment of {service} cannot be made: {nodes.last_line(done)}")


def relocate(folder: Path, place: str) -> None:
    """Let the scripts of an environment name another place than the one that it was made in."""
    for path in [folder / "pyvenv.cfg", *(folder / "bin").iterdir()]:
        data = path.read_bytes() if path.is_file() and not path.is_symlink() else b""
        if str(folder).encode() in data:
            path.write_bytes(data.replace(str(folder).encode(), place.encode()))


def start(name: str, service: str) -> nodes.Node:
    """Start a node with a service that runs."""
    release = nodes.codename()
    if release not in nodes.RELEASES:
        raise nodes.Unavailable(
            f"Services need a node of this machine's own release, and {release!r} is none."
        )
    mount = f"--volume={make_venv(service)}:{target(service)}:O"
    node = nodes.start(name, nodes.Recipe(release), options=(mount, *apt_archive.HOSTS))
    script = (SETUP / "nodes" / f"{service}.sh").read_text(encoding="utf-8")
    done = node.run("sh", "-s", target(service), text=script, check=False)
    if done.returncode:
        nodes.stop(name)
        raise nodes.Unavailable(f"The service {service} cannot be set up: {nodes.last_line(done)}")
    return node


def variables(node: nodes.Node, service: str) -> dict[str, Any]:
    """What Ansible's inventory says of a node; that of nova gets its packages."""
    if service != "nova":
        return dict(node.variables())
    apt_archive.add(node)
    return node.variables() | {"openvstorage_packages_repository": apt_archive.repository(node)}


def main() -> int:
    """Start nodes NAME=SERVICE and print their inventory variables as JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("nodes", nargs="+", metavar="NAME=SERVICE", help="service: cinder or nova")
    parser.add_argument("--prefix", default="", help="what the names of containers begin with")
    options = parser.parse_args()
    wanted = [item.partition("=")[::2] for item in options.nodes]
    try:
        started = {
            name: variables(start(options.prefix + name, service), service) for name, service in wanted
        }
    except nodes.Unavailable as error:
        print(error, file=sys.stderr)
        return nodes.UNAVAILABLE
    print(json.dumps(started))
    return 0


if __name__ == "__main__":
    sys.exit(main())

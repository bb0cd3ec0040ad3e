# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Put the third-party collections beside ours.

In development they come out of the wheel of the community package ``ansible`` on PyPI, in the release that goes
with the ansible-core at hand, so that a checkout needs one package index and nothing else. Operators use
requirements.yml instead; containers.podman is not in it, since it only reaches the nodes of tests. Run with the
Python of the environment.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

from progress import goes_on

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "collections" / "ansible_collections"
STAMP = ROOT / "collections" / ".stamp-third-party"


@dataclass(frozen=True)
class Bundle:
    """A release of the package ``ansible``, its wheel's SHA-256 and the collection versions that it must hold."""

    release: str
    sha256: str
    versions: dict[str, str]


# https://docs.ansible.com/ansible/latest/reference_appendices/release_and_maintenance.html
BUNDLES = {
    "2.19": Bundle(
        "12.3.0",
        "cd156f82fa87f7a899212b0efa9f7ca3a24d609212de9f78428a572eb01e5414",
        {
            "ansible.windows": "3.3.0",
            "community.windows": "3.1.0",
            "microsoft.ad": "1.10.0",
            "containers.podman": "1.18.0",
            "openstack.cloud": "2.5.0",
        },
    ),
    "2.20": Bundle(
        "13.8.0",
        "daf9c9a2850bbc6c098ba3368aeba99d4ae37c90bca47f974dc19342c0571361",
        {
            "ansible.windows": "3.6.1",
            "community.windows": "3.2.0",
            "microsoft.ad": "1.11.0",
            "containers.podman": "1.20.2",
            "openstack.cloud": "2.6.0",
        },
    ),
    "2.21": Bundle(
        "14.5.0",
        "245623ccc2d31d0f6f4bdb63168d550cad305fb032cc43d96e8f61ce8ab0ba84",
        {
            "ansible.windows": "3.8.0",
            "community.windows": "3.3.0",
            "microsoft.ad": "1.12.1",
            "containers.podman": "1.21.0",
            "openstack.cloud": "2.6.0",
        },
    ),
}
# No community release goes with 2.22 yet.
BUNDLES["2.22"] = BUNDLES["2.21"]


def bundle_for(core: str) -> Bundle:
    """The bundle of an ansible-core version such as ``2.20.10``."""
    minor = ".".join(core.split(".")[:2])
    if minor not in BUNDLES:
        sys.exit(f"ansible-core {core} is not supported: supported are {', '.join(BUNDLES)}.")
    return BUNDLES[minor]


def wheel(bundle: Bundle, cache: Path) -> Path:
    """The verified wheel, downloaded into the cache unless it lies there."""
    path = cache / f"ansible-{bundle.release}-py3-none-any.whl"
    if not path.is_file():
        cache.mkdir(parents=True, exist_ok=True)
        command = [
            sys.executable,
            "-m",
            "pip",
            "--disable-pip-version-check",
            "download",
            "--quiet",
            "--no-deps",
        ]
        command += ["--only-binary=:all:", f"--dest={cache}", f"ansible=={bundle.release}"]
        subprocess.run(command, check=True)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if digest != bundle.sha256:
        sys.exit(f"{path} has the SHA-256 {digest}, wanted is {bundle.sha256}: delete it and try again.")
    return path


def unpack(archive: zipfile.ZipFile, collection: str, version: str) -> None:
    """Replace one collection by the wheel's; the old one stays until the new one is complete."""
    namespace, name = collection.split(".")
    prefix = f"ansible_collections/{namespace}/{name}/"
    members = [member for member in archive.namelist() if member.startswith(prefix)]
    with tempfile.TemporaryDirectory(dir=TARGET.parent, prefix=".unpack-") as folder:
        archive.extractall(folder, members)
        fresh = Path(folder, prefix)
        found = json.loads((fresh / "MANIFEST.json").read_text(encoding="utf-8"))["collection_info"][
            "version"
        ]
        if found != version:
            sys.exit(f"{archive.filename} holds {collection} {found}, wanted is {version}.")
        final = TARGET / namespace / name
        shutil.rmtree(final, ignore_errors=True)
        final.parent.mkdir(parents=True, exist_ok=True)
        fresh.rename(final)


def is_current(bundle: Bundle) -> bool:
    """Whether the stamp names this bundle and the folders are still there."""
    folders = [TARGET.joinpath(*collection.split(".")) for collection in bundle.versions]
    stamped = STAMP.is_file() and STAMP.read_text(encoding="utf-8") == bundle.sha256
    return stamped and all((folder / "MANIFEST.json").is_file() for folder in folders)


def main() -> None:
    """Unpack what goes with the installed ansible-core."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--cache", type=Path, default=os.environ.get("WHEEL_CACHE") or ROOT / "build" / "wheels"
    )
    options = parser.parse_args()
    core = importlib.metadata.version("ansible-core")
    bundle = bundle_for(core)
    if is_current(bundle):
        return
    versions = ", ".join(f"{name} {version}" for name, version in bundle.versions.items())
    STAMP.unlink(missing_ok=True)
    print(f"Collections for ansible-core {core}: {versions}.", flush=True)
    with goes_on("Fetching them from PyPI"), zipfile.ZipFile(wheel(bundle, options.cache)) as archive:
        for collection, version in bundle.versions.items():
            unpack(archive, collection, version)
    STAMP.write_text(bundle.sha256, encoding="utf-8")


if __name__ == "__main__":
    main()

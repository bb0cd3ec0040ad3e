# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make signed apt repositories of empty packages. Runs inside a node, with nothing but Debian's own tools.

Standard input is JSON: ``{"folder": "/srv/apt", "repositories": {name: {"suite", "packages": [...]}}}``, where a package is
``"NAME VERSION [DEPENDS]"`` or ``{"name", "version", "depends", "conflicts", "files"}``. For each repository ``<folder>/<name>``
and the keys ``<folder>/<name>.{asc,gpg}`` are made, and the fingerprints are printed as JSON.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any


def run(*command: str, cwd: Path | None = None, home: Path | None = None) -> bytes:
    """What a program prints."""
    variables = {**os.environ, "LC_ALL": "C", **({"GNUPGHOME": str(home)} if home else {})}
    done = subprocess.run(command, cwd=cwd, env=variables, capture_output=True)
    if done.returncode:
        sys.exit(f"{' '.join(command)}: {done.stderr.decode()}")
    return done.stdout


def package(pool: Path, described: Any) -> None:
    """One package, empty but for the files of its description."""
    entry = described
    if isinstance(described, str):
        name, version, *depends = described.split(maxsplit=2)
        entry = {"name": name, "version": version, "depends": "".join(depends)}
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, "root")
        (root / "DEBIAN").mkdir(parents=True)
        root.chmod(0o755)
        fields = {
            "Package": entry["name"],
            "Version": entry["version"],
            "Architecture": "all",
            "Maintainer": "Stand-in <standin@example.org>",
            "Description": "stand-in of a test",
        }
        relations = {"Depends": entry.get("depends"), "Conflicts": entry.get("conflicts")}
        fields.update({field: text for field, text in relations.items() if text})
        (root / "DEBIAN/control").write_text("".join(f"{key}: {value}\n" for key, value in fields.items()))
        for place, text in entry.get("files", {}).items():
            path = root / place.lstrip("/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        file = f"{entry['name']}_{entry['version'].replace(':', '%3a')}_all.deb"
        run("dpkg-deb", "--root-owner-group", "-Znone", "-b", str(root), str(pool / file))


def key(home: Path, name: str, folder: Path) -> str:
    """A new signing key; its public half lies beside the repository."""
    home.mkdir(mode=0o700)
    user = f"{name} repository <{name}@example.org>"
    run(
        "gpg",
        "--batch",
        "--passphrase",
        "",
        "--quick-gen-key",
        user,
        "ed25519",
        "sign",
        "never",
        home=home,
    )
    (folder / f"{name}.gpg").write_bytes(run("gpg", "--export", home=home))
    (folder / f"{name}.asc").write_bytes(run("gpg", "--armor", "--export", home=home))
    listed = run("gpg", "--list-keys", "--with-colons", home=home).decode()
    return next(line.split(":")[9] for line in listed.splitlines() if line.startswith("fpr"))


def repository(folder: Path, name: str, entry: dict[str, Any], home: Path) -> None:
    """The packages, their index and its signature."""
    root = folder / name
    binary = root / "dists" / entry["suite"] / "main" / "binary-amd64"
    for path in (root / "pool", binary):
        path.mkdir(parents=True, exist_ok=True)
    for item in entry["packages"]:
        package(root / "pool", item)
    (binary / "Packages").write_bytes(run("apt-ftparchive", "packages", "pool", cwd=root))
    options = {"Origin": name, "Suite": entry["suite"], "Components": "main", "Architectures": "amd64"}
    words = [f"-oAPT::FTPArchive::Release::{field}={value}" for field, value in options.items()]
    dist = root / "dists" / entry["suite"]
    (dist / "Release").unlink(missing_ok=True)
    release = run("apt-ftparchive", *words, "release", str(dist))
    (dist / "Release").write_bytes(release)
    (dist / "InRelease").unlink(missing_ok=True)
    run("gpg", "--batch", "--clearsign", "-o", str(dist / "InRelease"), str(dist / "Release"), home=home)


def main() -> None:
    """Make what standard input describes; a repository that is there gets the packages on top, and keeps its key."""
    wanted = json.load(sys.stdin)
    folder = Path(wanted["folder"])
    folder.mkdir(parents=True, exist_ok=True)
    found = {}
    for name, entry in wanted["repositories"].items():
        home = Path("/root", f"gnupg-{name}")
        fingerprint = folder / f"{name}.fingerprint"
        if not home.is_dir():
            fingerprint.write_text(key(home, name, folder))
        repository(folder, name, entry, home)
        found[name] = fingerprint.read_text()
    print(json.dumps(found))


if __name__ == "__main__":
    main()

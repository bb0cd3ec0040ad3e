# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Archives that may be unpacked, and those that may not."""

from __future__ import annotations

import hashlib
import io
import tarfile
import typing as t
import zipfile
from pathlib import Path

import pytest

from ansible_collections.winstack.openstack.plugins.modules import verified_archive as module


def tar(path: Path, *members: tuple[str, dict[str, t.Any]]) -> Path:
    """Make a tar archive of members with these attributes."""
    with tarfile.open(path, "w:gz") as archive:
        for name, attributes in members:
            info = tarfile.TarInfo(name)
            data = attributes.pop("data", b"")
            info.size = len(data)
            for key, value in attributes.items():
                setattr(info, key, value)
            archive.addfile(info, io.BytesIO(data))
    return path


def run(path: Path, dest: Path, checksum: str | None = None, check_mode: bool = False) -> dict[str, t.Any]:
    found = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "0" * 64
    params = {"src": str(path), "dest": str(dest), "checksum": checksum or found}
    result: dict[str, t.Any] = module.run(params, check_mode)
    return result


def good(tmp_path: Path) -> Path:
    return tar(
        tmp_path / "good.tar.gz",
        ("top", {"type": tarfile.DIRTYPE}),
        ("top/ci/api.py", {"data": b"api"}),
        ("top/link", {"type": tarfile.SYMTYPE, "linkname": "ci/api.py"}),
    )


def test_unpack_and_again(tmp_path: Path) -> None:
    dest = tmp_path / "dest"
    assert run(good(tmp_path), dest, check_mode=True) == {"changed": True, "dest": str(dest), "files": 1}
    assert not dest.exists()
    assert run(good(tmp_path), dest)["changed"]
    assert (dest / "top/ci/api.py").read_bytes() == b"api"
    # Links that stay inside are left out.
    assert sorted(path.name for path in (dest / "top").iterdir()) == ["ci"]
    assert not run(good(tmp_path), dest)["changed"]


def test_zip(tmp_path: Path) -> None:
    path = tmp_path / "good.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("top/driver.py", "driver")
    assert run(path, tmp_path / "dest")["files"] == 1
    assert (tmp_path / "dest/top/driver.py").read_text() == "driver"


@pytest.mark.parametrize(
    ("name", "attributes", "sentence"),
    [
        ("../evil", {"data": b"x"}, "../evil leads out"),
        ("a/../../evil", {"data": b"x"}, "leads out"),
        ("a/../evil", {"data": b"x"}, "leads out"),
        ("/etc/evil", {"data": b"x"}, "/etc/evil leads out"),
        ("..\\evil", {"data": b"x"}, "leads out"),
        ("a/link", {"type": tarfile.SYMTYPE, "linkname": "../../etc"}, "a link to ../../etc, outside"),
        ("link", {"type": tarfile.SYMTYPE, "linkname": "/etc"}, "a link to /etc, outside"),
        ("hard", {"type": tarfile.LNKTYPE, "linkname": "../etc/passwd"}, "outside"),
        ("device", {"type": tarfile.CHRTYPE}, "neither a file nor a folder"),
        ("pipe", {"type": tarfile.FIFOTYPE}, "neither a file nor a folder"),
    ],
)
def test_what_leads_out_is_refused_whole(
    tmp_path: Path, name: str, attributes: dict[str, t.Any], sentence: str
) -> None:
    path = tar(tmp_path / "bad.tar.gz", ("fine", {"data": b"x"}), (name, attributes))
    with pytest.raises(module.RefusedError) as error:
        run(path, tmp_path / "dest")
    assert sentence in str(error.value)
    assert sorted(found.name for found in tmp_path.iterdir()) == ["bad.tar.gz"]


def test_a_zip_that_leads_out_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bad.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("../evil", "x")
    with pytest.raises(module.RefusedError, match="leads out"):
        run(path, tmp_path / "dest")


def test_a_wrong_checksum_is_refused(tmp_path: Path) -> None:
    with pytest.raises(module.RefusedError, match="has to be 1{64}, and is"):
        run(good(tmp_path), tmp_path / "dest", checksum="1" * 64)


@pytest.mark.parametrize("data", [b"", b"no archive", b"\x1f\x8b\x08broken"])
def test_what_is_no_archive_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "file"
    path.write_bytes(data)
    with pytest.raises(module.RefusedError, match="neither a tar nor a zip"):
        run(path, tmp_path / "dest")


def test_a_missing_archive(tmp_path: Path) -> None:
    with pytest.raises(module.RefusedError, match="no such file"):
        run(tmp_path / "none", tmp_path / "dest")


def spoil_bytes(data: bytes) -> bytes:
    """Change the compressed bytes of the only entry."""
    return data.replace(b"driver driver", b"driver drivel")


def mark_encrypted(data: bytes) -> bytes:
    """Set the flag of encryption in both headers (APPNOTE 4.4.4)."""
    central = data.index(b"PK\x01\x02")
    flags = bytearray(data)
    flags[6] |= 1
    flags[central + 8] |= 1
    return bytes(flags)


@pytest.mark.parametrize("spoil", [spoil_bytes, mark_encrypted])
def test_what_is_found_damaged_on_the_way_is_refused_whole(
    tmp_path: Path, spoil: t.Callable[[bytes], bytes]
) -> None:
    path = tmp_path / "bad.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("top/driver.py", "driver driver")
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(module.RefusedError, match="damaged or encrypted"):
        run(path, tmp_path / "dest")
    assert [found.name for found in tmp_path.iterdir()] == ["bad.zip"]

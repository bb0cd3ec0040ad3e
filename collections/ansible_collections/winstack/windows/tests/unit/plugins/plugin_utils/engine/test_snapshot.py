# Copyright: Contributors to the Winstack project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run keeps of a host: for itself alone, and readable by its owner alone."""

from __future__ import annotations

import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ansible_collections.winstack.windows.plugins.plugin_utils.engine.driver import Answer, Failure, Section
from ansible_collections.winstack.windows.plugins.plugin_utils.engine.snapshot import (
    Namesakes,
    Snapshot,
    SnapshotFile,
)

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def answer(*, off: float = 0.0, took: float = 1.0, **sections: Section) -> Answer:
    host = NOON + timedelta(seconds=off + took / 2)
    return Answer(sections, "Desktop", host, host, NOON, NOON + timedelta(seconds=took))


def test_what_is_kept_comes_back_but_is_not_fresh(tmp_path: Path) -> None:
    snapshot = Snapshot()
    failed = Section(ok=False, error=Failure("X", "Y", "Z", "0x1"))
    snapshot.take(answer(off=3.0, a=Section(data=[{"Name": "x"}]), b=failed, c=Section()), ["a", "b"])
    SnapshotFile(str(tmp_path), {"host": "one"}).save(snapshot)
    kept = SnapshotFile(str(tmp_path), {"host": "one"}).load()
    assert (kept.sections, kept.fresh) == ({"a": Section(data=[{"Name": "x"}]), "b": failed}, set())
    assert (kept.offset_seconds, kept.uncertainty_seconds) == (3.0, 0.5)


def test_hosts_accounts_and_runs_do_not_share(tmp_path: Path) -> None:
    snapshot = Snapshot({"a": Section()})
    SnapshotFile(str(tmp_path / "run1"), {"host": "one", "user": "u"}).save(snapshot)
    for folder, identity in (("run1", {"host": "one", "user": "v"}), ("run2", {"host": "one", "user": "u"})):
        assert SnapshotFile(str(tmp_path / folder), identity).load().sections == {}


def test_only_the_owner_can_read(tmp_path: Path) -> None:
    SnapshotFile(str(tmp_path), {}).save(Snapshot())
    (folder,) = tmp_path.iterdir()
    modes = {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    assert (stat.S_IMODE(folder.stat().st_mode), modes) == (0o700, {0o600})


def test_a_damaged_file_is_no_answer(tmp_path: Path) -> None:
    file = SnapshotFile(str(tmp_path), {})
    file.save(Snapshot({"a": Section()}))
    (path,) = (tmp_path / "winstack").iterdir()
    path.write_text("{")
    assert file.load().sections == {}


def test_forgetting() -> None:
    snapshot = Snapshot({"a": Section(), "b": Section()}, {"a", "b"})
    snapshot.forget(["a"])
    assert (set(snapshot.sections), snapshot.fresh) == ({"b"}, {"b"})
    snapshot.forget()
    assert (snapshot.sections, snapshot.fresh) == ({}, set())


def test_the_most_exact_reading_of_the_clock_counts_until_the_clock_was_set() -> None:
    snapshot = Snapshot()
    for off, took in ((2.0, 4.0), (2.5, 1.0), (4.0, 8.0)):
        snapshot.take(answer(off=off, took=took), [])
    assert (snapshot.offset_seconds, snapshot.uncertainty_seconds) == (2.5, 0.5)
    snapshot.take(answer(off=-30.0, took=8.0), [])
    assert (snapshot.offset_seconds, snapshot.uncertainty_seconds) == (-30.0, 4.0)
    snapshot.forget()
    assert snapshot.offset_seconds is None


def test_namesakes_are_found_whatever_the_case(tmp_path: Path) -> None:
    assert Namesakes(str(tmp_path), "one").of("WIN.corp") == []
    assert Namesakes(str(tmp_path), "one").of("win.corp") == []
    assert Namesakes(str(tmp_path), "two").of("win.CORP") == ["one"]
    assert Namesakes(str(tmp_path), "one").of("WIN.corp") == ["two"]
    assert Namesakes(str(tmp_path), "three").of("WIN.other") == []

"""Atomic writes, locks, fingerprints, and paths that must stay inside."""

import errno
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from dataeff_core.errors import BadInput, Cancelled, Conflict, StorageFailed
from dataeff_core.reporting import Reporter
from dataeff_core.workspace.storage import (
    exclusive,
    fingerprint,
    inside,
    new_folder,
    read_json,
    storage_errors,
    write_array,
    write_atomically,
    write_json,
)


def test_fingerprints_tell_values_types_and_boundaries_apart() -> None:
    values = [("a", "b"), ("ab",), (b"a", "b"), (1,), ("1",), (np.int32([1]),), (np.int64([1]),), (np.int64([[1]]),)]
    assert len({fingerprint(*value) for value in values}) == len(values)
    assert fingerprint({"a": 1, "b": 2}) == fingerprint({"b": 2, "a": 1})


def test_a_failed_write_leaves_the_old_file_and_no_litter(tmp_path: Path) -> None:
    target = tmp_path / "value.json"
    write_json(target, {"old": True})

    def fail(stream: object) -> None:
        raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError, match="in the middle"):
        write_atomically(target, fail)
    assert read_json(target) == {"old": True}
    assert [path.name for path in tmp_path.iterdir()] == ["value.json"]


def test_a_full_disk_is_one_sentence_and_nothing_half_written() -> None:
    if not Path("/dev/full").exists():
        pytest.fail("this system has no /dev/full to stand for a full disk")
    with (
        pytest.raises(StorageFailed, match="disk is full"),
        storage_errors("writing", Path("x")),
        Path("/dev/full").open("wb") as stream,
    ):
        stream.write(b"1")
    with pytest.raises(StorageFailed, match="no permission"), storage_errors("writing", Path("x")):
        raise OSError(errno.EACCES, "denied")


def test_new_folder_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), new_folder(tmp_path / "made") as folder:
        (folder / "part").write_text("1")
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []
    with new_folder(tmp_path / "made") as folder:
        (folder / "part").write_text("1")
    assert (tmp_path / "made" / "part").read_text() == "1"
    with pytest.raises(Conflict, match="already there"), new_folder(tmp_path / "made") as folder:
        pass
    with new_folder(tmp_path / "made", replace=True) as folder:
        (folder / "part").write_text("2")
    assert (tmp_path / "made" / "part").read_text() == "2"
    assert [path.name for path in tmp_path.iterdir()] == ["made"]


def test_arrays_survive_the_round_trip(tmp_path: Path) -> None:
    array = np.arange(6, dtype=np.float16).reshape(2, 3)
    write_array(tmp_path / "a.npy", array)
    assert np.array_equal(np.load(tmp_path / "a.npy", allow_pickle=False), array)


def test_damaged_json_is_named(tmp_path: Path) -> None:
    (tmp_path / "bad.json").write_text('{"half":')
    with pytest.raises(StorageFailed, match=r"bad\.json is damaged"):
        read_json(tmp_path / "bad.json")


def test_a_lock_held_by_another_process_is_refused_and_freed_by_its_death(tmp_path: Path) -> None:
    lock = tmp_path / "dataset" / ".lock"
    code = (
        "import sys,time;from pathlib import Path;from dataeff_core.workspace.storage import exclusive\n"
        f"with exclusive(Path({str(lock)!r})):\n print('held',flush=True);time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(Conflict, match="another process is working on dataset"), exclusive(lock, wait=False):
            pass

        class Impatient(Reporter):
            def stop_asked(self) -> bool:
                return True

        with pytest.raises(Cancelled), exclusive(lock, Impatient()):
            pass
        holder.kill()
    with exclusive(lock, wait=False):
        pass


def test_paths_that_climb_out_are_refused(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (tmp_path / "secret").write_text("1")
    (root / "link").symlink_to(tmp_path / "secret")
    assert inside(root, "a/b") == root.resolve() / "a" / "b"
    for bad in ("../secret", "a/../../secret", "/etc/passwd", "link"):
        with pytest.raises(BadInput, match="leads out of"):
            inside(root, bad)

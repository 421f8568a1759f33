"""The trail: append-only, one sentence for every way in which it cannot be used, nothing lost and nothing doubled."""

import multiprocessing
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from dataeff_core.errors import BadInput, Conflict, NotFound, StorageFailed
from dataeff_core.workspace.trail import Decision, Trail, trail_of

ROOT = Path(__file__).parent.parent.parent
SHA = "ab" * 32


@pytest.fixture
def trail(tmp_path: Path) -> Trail:
    return trail_of(tmp_path)


def keep(frame: str = "f1", **changes: object) -> Decision:
    return replace(Decision(reviewer="Ada", action="keep", content=SHA, frame_id=frame), **changes)  # type: ignore[arg-type]


def test_no_trail_yet(trail: Trail) -> None:
    assert (trail.entries(), trail.last, trail.faults()) == ([], 0, [])
    assert trail.append([]) == []
    assert not trail.file.parent.exists()


def test_what_is_written_is_read(trail: Trail) -> None:
    machine = {"selection": "s", "similarity": 0.5, "representative_id": None}
    written = trail.append([keep(why="=1+1 'x'", path="p/a.png", machine=machine), keep("f2", action="drop")])
    assert trail.entries() == written
    assert [one.seq for one in written] == [1, 2]
    assert written[0].machine == machine
    assert written[0].at.endswith("+00:00")
    assert trail.last == 2
    assert [one.frame_id for one in trail.entries(after=1)] == ["f2"]
    assert [one.frame_id for one in trail.entries(upto=1)] == ["f1"]
    assert trail.faults() == []


def test_all_or_none(trail: Trail) -> None:
    with pytest.raises(NotFound, match="no entry 7"):
        trail.append([keep(), keep(action="undo", undoes=7)])
    assert trail.last == 0


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"reviewer": "  "}, "the reviewer's name is empty"),
        ({"reviewer": "x" * 101}, "101 characters long; use at most 100"),
        ({"why": "x" * 2001}, "2001 characters long"),
        ({"action": "burn"}, "action 'burn' is not one of keep, drop"),
    ],
)
def test_what_is_no_decision(trail: Trail, changes: dict[str, str], sentence: str) -> None:
    with pytest.raises(BadInput, match=sentence):
        trail.append([keep(**changes)])
    assert trail.last == 0


def test_text_no_database_holds_and_text_that_is_no_sql(trail: Trail) -> None:
    nasty = "Robert'); DROP TABLE entries;-- \x00 \udcff \u202e <script>"
    (entry,) = trail.append([keep(reviewer=nasty, why=nasty, machine={"x": nasty})])
    assert entry.why == "Robert'); DROP TABLE entries;-- \\x00 \\udcff \u202e <script>"
    assert trail.entries() == [entry]
    assert trail.faults() == []


def test_the_same_key_counts_once(trail: Trail) -> None:
    first = trail.append([keep(key="k")])
    assert trail.append([keep(key="k")]) == first
    assert trail.last == 1
    with pytest.raises(Conflict, match="'k' stands for another decision"):
        trail.append([keep(key="k", action="drop")])
    assert trail.last == 1


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE entries SET why = 'x'",
        "DELETE FROM entries",
        "INSERT OR REPLACE INTO entries SELECT seq, key, at, 'Eve', action, content, frame_id, path, reason, why, "
        "machine, undoes, sample, verdict, chain FROM entries",
        "REPLACE INTO entries SELECT 99, key, at, 'Eve', action, content, frame_id, path, reason, why, "
        "machine, undoes, sample, verdict, chain FROM entries",
    ],
)
def test_nothing_is_changed_or_removed(trail: Trail, statement: str) -> None:
    before = trail.append([keep()])
    base = sqlite3.connect(trail.file)
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        base.execute(statement)
    base.close()
    assert trail.entries() == before


def behind_its_back(trail: Trail, statement: str) -> None:
    base = sqlite3.connect(trail.file)
    for name in ("no_change", "no_removal", "no_replacement"):
        base.execute(f"DROP TRIGGER {name}")
    base.execute(statement)
    base.commit()
    base.close()


@pytest.mark.parametrize(
    ("statement", "faults"),
    [
        ("UPDATE entries SET reviewer = 'Eve' WHERE seq = 2", ["entry 2 is not as it was written"]),
        ("DELETE FROM entries WHERE seq = 2", ["entry 2 is missing", "entry 3 is not as it was written"]),
        ("DELETE FROM entries WHERE seq = 3", ["3 entries were written, the last that is there is 2"]),
    ],
)
def test_a_change_behind_the_triggers_is_found(trail: Trail, statement: str, faults: list[str]) -> None:
    trail.append([keep("a"), keep("b"), keep("c")])
    behind_its_back(trail, statement)
    assert trail.faults() == faults


def test_a_check_while_others_write_finds_nothing(trail: Trail) -> None:
    trail.append([keep()])
    done = threading.Event()

    def write() -> None:
        for _ in range(25):
            trail.append([keep(), keep("f2")])
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    found = [trail.faults()]
    while not done.is_set():
        found.append(trail.faults())
    writer.join()
    assert found == [[]] * len(found)
    assert trail.last == 51


def test_many_faults_are_not_all_named(trail: Trail) -> None:
    trail.append([keep(f"f{number}") for number in range(30)])
    behind_its_back(trail, "UPDATE entries SET reviewer = 'Eve'")
    assert trail.faults()[-1] == "and 10 more"


def test_a_locked_trail(trail: Trail) -> None:
    trail.append([keep()])
    holder = sqlite3.connect(trail.file, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(Conflict, match=r"keeps the trail .* locked; close it"):
        Trail(trail.file, patience_s=0.05).append([keep()])
    assert trail.last == 1  # readers need not wait
    holder.execute("ROLLBACK")
    holder.close()
    assert trail.append([keep()])[0].seq == 2


@pytest.mark.parametrize("harm", ["text", "middle", "empty", "folder", "other"])
def test_a_file_that_is_no_trail(trail: Trail, harm: str) -> None:
    trail.append([keep(f"f{number}", why="x" * 1000) for number in range(50)])
    content = bytearray(trail.file.read_bytes())
    for path in trail.file.parent.iterdir():
        path.unlink()
    if harm == "folder":
        trail.file.mkdir()
    elif harm == "other":
        other = sqlite3.connect(trail.file)
        other.execute("CREATE TABLE entries (x)")
        other.commit()
        other.close()
    else:
        content[len(content) // 3 : len(content) // 2] = b"\x07" * (len(content) // 2 - len(content) // 3)
        trail.file.write_bytes({"text": b"no database " * 500, "middle": bytes(content), "empty": b""}[harm])
    sentence = "is damaged; put back a copy|is no trail of decisions|is not permitted|the disk failed"
    with pytest.raises(StorageFailed, match=sentence) as caught:
        trail.entries()
    assert "\n" not in str(caught.value)
    if harm != "middle":
        with pytest.raises(StorageFailed, match=sentence):
            trail.append([keep()])


def test_a_trail_from_a_newer_version(trail: Trail) -> None:
    trail.append([keep()])
    base = sqlite3.connect(trail.file)
    base.execute("PRAGMA user_version = 2")
    base.close()
    for use in (trail.entries, lambda: trail.append([keep()])):
        with pytest.raises(StorageFailed, match=r"from a newer version \(2, this one knows 1\); update DataEff"):
            use()


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "review").write_text("in the way")
    with pytest.raises(StorageFailed, match=r"locking .* failed"):
        trail_of(tmp_path).append([keep()])


def read_only(work: Path, code: str) -> str:
    """What `code` prints where `work` is mounted read-only, in a namespace of its own; '' where none can be had."""
    script = f"mount --bind {work} {work} && mount -o remount,ro,bind {work} && {sys.executable} -c '{code}'"
    command = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


def test_a_read_only_trail_is_read_and_refuses_to_be_written(trail: Trail, tmp_path: Path) -> None:
    trail.append([keep(), keep("f2")])
    code = (
        "from pathlib import Path; from dataeff_core.workspace.trail import *; from dataeff_core.errors import *\n"
        f'trail = trail_of(Path("{tmp_path}"))\n'
        "print(trail.last, trail.faults())\n"
        'try: trail.append([Decision(reviewer="a", action="keep", content="", frame_id="")])\n'
        "except StorageFailed as error: print(error)"
    )
    told = read_only(tmp_path, code) if shutil.which("unshare") else ""
    if told:
        assert told.splitlines()[0] == "2 []"
        assert "writing the trail" in told
        assert "is not permitted; make it and its folder writable" in told
    else:  # the system lends no namespace: what SQLite itself calls read-only
        base = sqlite3.connect(f"{trail.file.as_uri()}?mode=ro", uri=True)
        with pytest.raises(StorageFailed, match="is not permitted"), trail._errors("writing"):
            base.execute("INSERT INTO entries (key) VALUES ('x')")
        base.close()


def write_many(file: str, name: str, count: int) -> None:
    trail = Trail(Path(file))
    for number in range(count):
        decision = Decision(
            reviewer=name, action="keep", content=SHA, frame_id=f"{name}-{number}", key=f"{name}{number}"
        )
        trail.append([decision])
        if number % 10 == 0:
            trail.append([decision])  # a request sent twice


def test_many_processes_lose_and_double_nothing(trail: Trail) -> None:
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=write_many, args=(str(trail.file), f"w{one}", 25)) for one in range(8)]
    for one in writers:
        one.start()
    for one in writers:
        one.join(120)
    assert [one.exitcode for one in writers] == [0] * 8
    entries = trail.entries()
    assert {one.frame_id for one in entries} == {f"w{one}-{number}" for one in range(8) for number in range(25)}
    assert [one.seq for one in entries] == list(range(1, 201))
    assert trail.faults() == []


def test_a_writer_that_is_killed_leaves_all_it_was_told_is_safe(trail: Trail) -> None:
    code = (
        "import sys; from pathlib import Path; from dataeff_core.workspace.trail import *\n"
        "trail, number = Trail(Path(sys.argv[1])), 0\n"
        "while True:\n"
        "    (entry,) = trail.append([Decision('w', 'keep', 'c', f'f{number}')])\n"
        "    print(entry.seq, flush=True); number += 1\n"
    )
    acknowledged = 0
    for lines in (1, 7, 12):
        command = [sys.executable, "-c", code, str(trail.file)]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout is not None
            for _ in range(lines):
                acknowledged = int(writer.stdout.readline())
            os.kill(writer.pid, signal.SIGKILL)
            rest = writer.stdout.read().split()
        acknowledged = int(rest[-1]) if rest else acknowledged
        entries = trail.entries()
        assert acknowledged <= len(entries) <= acknowledged + 1
        assert trail.faults() == []

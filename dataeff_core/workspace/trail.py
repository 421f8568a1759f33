"""The trail: every decision that a person (or a rule) took on a dataset's frames, in an append-only SQLite file.

One file a dataset, `<dataset>/review/trail.sqlite`. Nothing in it is ever changed or deleted, which triggers enforce;
taking something back is a new entry. Entries form a chain of hashes, so that a change made behind the triggers' back
is found. Any number of processes may write at once: each `append` is one transaction that waits for its turn and is
on the disk when it returns (write-ahead log, synchronous=FULL). A decision carries a key of its own, and the same key
a second time adds nothing, so that a request sent twice counts once.
"""

import contextlib
import hashlib
import json
import os
import secrets
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Final, Literal

from dataeff_core.errors import BadInput, Conflict, NotFound, StorageFailed
from dataeff_core.workspace.records import now
from dataeff_core.workspace.storage import exclusive, storage_errors, sync_folder

Action = Literal["keep", "drop", "undo", "mark"]
KEEP: Final = "keep"
DROP: Final = "drop"
UNDO: Final = "undo"
MARK: Final = "mark"
ACTIONS = (KEEP, DROP, UNDO, MARK)
RULE = "rule:"
"""How the reviewer's name begins where no person but a rule decides."""

APPLICATION = 0x44454654  # "DEFT", in the header of the file
VERSION = 1
PATIENCE_S = 60.0  # how long a writer waits for the others
MOST_NAMED = 20  # faults
LONGEST = {"reviewer": 100, "why": 2000, "reason": 40, "path": 4096}  # characters
SCHEMA = f"""
CREATE TABLE entries (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  key TEXT NOT NULL UNIQUE,
  at TEXT NOT NULL,
  reviewer TEXT NOT NULL CHECK (reviewer <> ''),
  action TEXT NOT NULL CHECK (action IN {ACTIONS}),
  content TEXT NOT NULL,
  frame_id TEXT NOT NULL,
  path TEXT NOT NULL,
  reason TEXT NOT NULL,
  why TEXT NOT NULL,
  machine TEXT NOT NULL,
  undoes INTEGER REFERENCES entries (seq),
  sample TEXT NOT NULL,
  verdict TEXT NOT NULL,
  chain TEXT NOT NULL
) STRICT;
CREATE TRIGGER no_change BEFORE UPDATE ON entries BEGIN SELECT RAISE(ABORT, 'the trail is append-only'); END;
CREATE TRIGGER no_removal BEFORE DELETE ON entries BEGIN SELECT RAISE(ABORT, 'the trail is append-only'); END;
CREATE TRIGGER no_replacement BEFORE INSERT ON entries
  WHEN EXISTS (SELECT 1 FROM entries WHERE seq = NEW.seq OR key = NEW.key)
  BEGIN SELECT RAISE(ABORT, 'the trail is append-only'); END;
PRAGMA application_id = {APPLICATION};
PRAGMA user_version = {VERSION};
"""  # noqa: S608  nothing but the constants above


def fresh_key() -> str:
    """A key that no other decision has."""
    return secrets.token_hex(16)


@dataclass(frozen=True)
class Decision:
    """What is to be put on the trail. `content` (the frame's sha256) and `frame_id` say which picture is meant."""

    reviewer: str  # a person's name, or 'rule:<name>'
    action: Action
    content: str
    frame_id: str
    path: str = ""  # where the frame stood at that time: for people
    reason: str = ""  # a code of a short list
    why: str = ""  # free text
    machine: Mapping[str, Any] = field(default_factory=dict)  # what the method had said, JSON-able, with its numbers
    undoes: int | None = None  # with 'undo': the one entry that is taken back; None: all on this frame so far
    sample: str = ""  # with 'mark': the audit it belongs to
    verdict: str = ""  # with 'mark': what the reviewer saw
    key: str = field(default_factory=fresh_key)


@dataclass(frozen=True)
class Entry(Decision):
    """A decision on the trail."""

    seq: int = 0  # 1, 2, 3, ... in the order they were written
    at: str = ""  # UTC, ISO 8601
    chain: str = ""  # sha256 over the chain of the entry before and all of this one


COLUMNS = tuple(one.name for one in fields(Entry))
BRIEF = ("selection", "decision", "reason", "representative_id")
_BRIEFLY = "json_object({})".format(", ".join(f"'{name}', json_extract(machine, '$.{name}')" for name in BRIEF))
SAME = ("reviewer", "action", "content", "frame_id", "undoes", "sample", "verdict")


class Trail:
    """The trail in one file, which need not be there yet. Holds no connection: any thread and process may use it.

    Every method raises one sentence when the file cannot be used: Conflict when others keep it locked, StorageFailed
    when it is damaged, from a newer version, no trail at all, or cannot be read or written.
    """

    def __init__(self, file: Path, *, patience_s: float = PATIENCE_S) -> None:
        self.file = file
        self.patience_s = patience_s

    def append(self, decisions: Sequence[Decision]) -> list[Entry]:
        """Write all of them or none; returns when they are on the disk, with one entry for each.

        A decision whose key is on the trail already is answered with that entry. Raises BadInput for text that is
        missing or too long, Conflict when a key was used for something else, NotFound when `undoes` names no entry.
        """
        checked = [_checked(one) for one in decisions]
        if not checked:
            return []
        with self._errors("writing"):
            self._make()
            with self._connection("rw") as base:
                base.execute("PRAGMA synchronous = FULL")
                self._begin(base)
                try:
                    entries = [_put(base, one) for one in checked]
                    base.execute("COMMIT")
                except BaseException:  # also Ctrl-C: all of them or none; raised again
                    if base.in_transaction:
                        base.execute("ROLLBACK")
                    raise
                return entries

    def entries(self, *, after: int = 0, upto: int | None = None, machine: bool = True) -> list[Entry]:
        """The entries with after < seq <= upto, oldest first; with all that the machine had said, or only BRIEF."""
        if not self.file.exists():
            return []
        columns = [name if machine or name != "machine" else _BRIEFLY for name in COLUMNS]
        query = f"SELECT {', '.join(columns)} FROM entries WHERE seq > ? AND seq <= ? ORDER BY seq"  # noqa: S608
        with self._errors("reading"), self._connection("ro") as base:
            return [_entry(row) for row in base.execute(query, (after, 2**62 if upto is None else upto))]

    @property
    def last(self) -> int:
        """The number of the newest entry, which is also how many there are; 0 for none."""
        if not self.file.exists():
            return 0
        with self._errors("reading"), self._connection("ro") as base:
            return int(base.execute("SELECT coalesce(max(seq), 0) FROM entries").fetchone()[0])

    def faults(self) -> list[str]:
        """One sentence for everything that shows that the trail was harmed or changed behind the triggers' back."""
        if not self.file.exists():
            return []
        with self._errors("reading"), self._connection("ro") as base:
            base.execute("BEGIN")  # all of it as it was at one moment, whoever writes meanwhile
            rows = base.execute(f"SELECT {', '.join(COLUMNS)} FROM entries ORDER BY seq").fetchall()  # noqa: S608
            wrong = [f"the file is damaged: {one}" for (one,) in base.execute("PRAGMA quick_check") if one != "ok"]
            written = base.execute("SELECT seq FROM sqlite_sequence WHERE name = 'entries'").fetchone()
            base.execute("ROLLBACK")
            wrong += _broken_links([_entry(row) for row in rows], 0 if written is None else written[0])
        return [*wrong[:MOST_NAMED], *([f"and {len(wrong) - MOST_NAMED} more"] if len(wrong) > MOST_NAMED else [])]

    def _begin(self, base: sqlite3.Connection) -> None:
        """Begin to write as soon as the others let us. SQLite's own waiting asks ever more seldom, so that among many
        writers one can starve; this asks equally often all the time."""
        base.execute("PRAGMA busy_timeout = 0")
        until = time.monotonic() + self.patience_s
        while True:
            try:
                base.execute("BEGIN IMMEDIATE")
                return
            except sqlite3.OperationalError as error:
                if (error.sqlite_errorcode & 0xFF) not in BUSY or time.monotonic() >= until:
                    raise
            time.sleep(JITTER.uniform(0.002, 0.03))

    def _make(self) -> None:
        """The file, there whole or not at all; two processes may come at once."""
        if self.file.exists():
            return
        with exclusive(self.file.with_name(".trail.lock")), storage_errors("making the trail", self.file):
            if self.file.exists():
                return
            making = self.file.with_name(f".{self.file.name}.{os.getpid()}.{secrets.token_hex(4)}.tmp")
            try:
                with (
                    storage_errors("making the trail", self.file),
                    contextlib.closing(sqlite3.connect(making)) as base,
                ):
                    base.execute("PRAGMA journal_mode = WAL")
                    base.executescript(SCHEMA)
                making.rename(self.file)
                sync_folder(self.file.parent)
            finally:
                making.unlink(missing_ok=True)

    @contextlib.contextmanager
    def _connection(self, mode: Literal["ro", "rw"]) -> Iterator[sqlite3.Connection]:
        """A connection of its own, checked to be to a trail that this version can use."""
        still = "&immutable=1" if mode == "ro" and _resting(self.file) else ""
        uri = f"{self.file.resolve().as_uri()}?mode={mode}{still}"
        with contextlib.closing(
            sqlite3.connect(uri, uri=True, timeout=self.patience_s, isolation_level=None)
        ) as base:
            application = base.execute("PRAGMA application_id").fetchone()[0]
            version = base.execute("PRAGMA user_version").fetchone()[0]
            if application != APPLICATION:
                raise StorageFailed(f"{self.file} is no trail of decisions; move it away, or put the trail back")
            if version > VERSION:
                raise StorageFailed(
                    f"the trail {self.file} is from a newer version ({version}, this one knows {VERSION}); "
                    "update DataEff"
                )
            yield base

    @contextlib.contextmanager
    def _errors(self, what: str) -> Iterator[None]:
        """SQLite's refusals as sentences; a mistake in a statement stays a bug."""
        try:
            yield
        except sqlite3.Error as error:
            code = (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF
            sentence = SENTENCES.get(code)
            if sentence is None:
                raise
            kind = Conflict if code in BUSY else StorageFailed
            raise kind(sentence.format(what=what, file=self.file)) from error
        except json.JSONDecodeError as error:
            raise StorageFailed(DAMAGED.format(file=self.file)) from error


JITTER = secrets.SystemRandom()
BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
LOCKED = "another program keeps the trail {file} locked; close it and try again"
REFUSED = "{what} the trail {file} is not permitted; make it and its folder writable, or copy the workspace"
DAMAGED = "the trail {file} is damaged; put back a copy of it, an export's audit.csv holds the same entries"
SENTENCES = {
    sqlite3.SQLITE_BUSY: LOCKED,
    sqlite3.SQLITE_LOCKED: LOCKED,
    sqlite3.SQLITE_READONLY: REFUSED,
    sqlite3.SQLITE_CANTOPEN: REFUSED,
    sqlite3.SQLITE_PERM: REFUSED,
    sqlite3.SQLITE_FULL: "the disk is full while {what} the trail {file}; free some space and try again",
    sqlite3.SQLITE_IOERR: "the disk failed while {what} the trail {file}; check it and try again",
    sqlite3.SQLITE_CORRUPT: DAMAGED,
    sqlite3.SQLITE_NOTADB: DAMAGED,
}


def trail_of(dataset_folder: Path) -> Trail:
    """The trail of the dataset in that folder."""
    return Trail(dataset_folder / "review" / "trail.sqlite")


def _put(base: sqlite3.Connection, decision: Decision) -> Entry:
    """One entry, within a transaction."""
    found = base.execute(f"SELECT {', '.join(COLUMNS)} FROM entries WHERE key = ?", (decision.key,)).fetchone()  # noqa: S608
    if found is not None:
        there = _entry(found)
        if any(getattr(there, name) != getattr(decision, name) for name in SAME):
            raise Conflict(f"the key {decision.key!r:.80} stands for another decision already; use a new one")
        return there
    if decision.undoes is not None:
        about = (decision.undoes, decision.content, decision.frame_id)
        known = base.execute("SELECT 1 FROM entries WHERE seq = ? AND content = ? AND frame_id = ?", about).fetchone()
        if known is None:
            raise NotFound(f"no entry {decision.undoes} on this frame is there to take back; `audit` lists them")
    seq, chain = base.execute(
        "SELECT seq, chain FROM entries UNION ALL SELECT 0, '' ORDER BY seq DESC LIMIT 1"
    ).fetchone()
    draft = Entry(**{one.name: getattr(decision, one.name) for one in fields(Decision)}, seq=seq + 1, at=now())
    values = asdict(draft) | {"machine": _as_json(draft.machine), "chain": _chain(chain, draft)}
    marks = ", ".join("?" for _ in COLUMNS)
    base.execute(
        f"INSERT INTO entries ({', '.join(COLUMNS)}) VALUES ({marks})",  # noqa: S608
        [values[name] for name in COLUMNS],
    )
    return Entry(**{**values, "machine": draft.machine})


def _broken_links(entries: Sequence[Entry], written: int) -> Iterator[str]:
    """One sentence for each entry that is missing or changed, of as many as were written."""
    chain, expected = "", 1
    for entry in entries:
        if entry.seq != expected:
            yield f"entry {expected} is missing"
        if entry.chain != _chain(chain, entry):
            yield f"entry {entry.seq} is not as it was written"
        chain, expected = entry.chain, entry.seq + 1
    if written != expected - 1:
        yield f"{written} entries were written, the last that is there is {expected - 1}"


def _entry(row: Sequence[Any]) -> Entry:
    values = dict(zip(COLUMNS, row, strict=True))
    return Entry(**{**values, "machine": json.loads(values["machine"])})


def _chain(before: str, entry: Entry) -> str:
    """sha256 (hex) over the chain so far and all of `entry` but its own."""
    told = json.dumps([before, *(getattr(entry, one) for one in CHAINED)], sort_keys=True, allow_nan=False)
    return hashlib.sha256(told.encode()).hexdigest()


CHAINED = tuple(name for name in COLUMNS if name != "chain")


def _checked(decision: Decision) -> Decision:
    """The same with text that SQLite can hold. Raises BadInput."""
    texts = {
        one.name: _storable(getattr(decision, one.name)) for one in fields(Decision) if one.type in (str, Action)
    }
    texts["reviewer"] = texts["reviewer"].strip()
    if not texts["reviewer"]:
        raise BadInput("the reviewer's name is empty; say who decides")
    if texts["action"] not in ACTIONS:
        raise BadInput(f"action {texts['action']!r} is not one of {', '.join(ACTIONS)}")
    for name, most in LONGEST.items():
        if len(texts[name]) > most:
            raise BadInput(f"the {name} is {len(texts[name])} characters long; use at most {most}")
    machine = json.loads(_as_json(decision.machine))
    return Decision(**texts, machine=machine, undoes=decision.undoes)  # type: ignore[arg-type]


def _as_json(machine: Mapping[str, Any]) -> str:
    """ASCII alone, so that a database holds what names with undecodable bytes become."""
    return json.dumps(dict(machine), sort_keys=True, allow_nan=False)


def _storable(text: str) -> str:
    """`text` with what no database holds, undecodable bytes and NUL, as escapes."""
    return text.encode("utf-8", "backslashreplace").decode().replace("\x00", "\\x00")


def _resting(file: Path) -> bool:
    """Whether nobody can write to it and nothing waits in its log: then SQLite must be told, or it wants to write."""
    writable = os.access(file, os.W_OK) and os.access(file.parent, os.W_OK)
    return not writable and not file.with_name(f"{file.name}-wal").exists()

"""Format `zip`: the kept images and masks in one archive, streamed, so that it may be larger than memory.

Members are stored, not compressed: images hardly shrink. The archive is built with a journal beside it, so that an
export that was killed goes on after the last member that is safely on disk.
"""

import hashlib
import json
import os
import zipfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import ClassVar

from dataeff_core.exporting.base import IMAGES, MASKS, Format, Subset
from dataeff_core.exporting.pictures import mask_file, pictures, writing_order
from dataeff_core.reporting import Reporter
from dataeff_core.workspace.storage import file_sha256

FILE = "subset.zip"
JOURNAL = ".journal"
SAFE_BYTES = 64 << 20  # synced to disk, and noted in the journal, after this many
EARLIEST = (1980, 1, 1, 0, 0, 0)  # one time for all, so that equal subsets give equal archives


@dataclass(frozen=True)
class Member:
    """What the journal knows of one complete member."""

    name: str
    sha256: str
    crc: int
    size: int
    offset: int
    end: int


class Zipped(Format):
    NAME: ClassVar[str] = "zip"
    TITLE: ClassVar[str] = "One zip file with the kept images and their masks"
    SINGLE_FILE: ClassVar[str] = ".zip"  # everything in the archive; else the archive lies in a folder

    def places(self, subset: Subset) -> list[str | None]:
        archive = "" if self.single else f"{FILE}/"
        return [f"{archive}{IMAGES}/{name}" for name in subset.names]

    def write(self, subset: Subset, folder: Path, reporter: Reporter) -> Iterator[tuple[str, str]]:
        with Archive(folder) as archive:
            order = [row for row in writing_order(subset) if f"{IMAGES}/{subset.names[row]}" not in archive.members]
            reporter.phase("writing the archive", len(subset.kept))
            reporter.advance(len(subset.kept) - len(order))
            for row, content in pictures(subset, order):
                archive.add(f"{IMAGES}/{subset.names[row]}", content)
                reporter.advance()
            for row, mask in enumerate(subset.mask_names):
                reporter.check()
                if mask is not None and f"{MASKS}/{mask}" not in archive.members:
                    masked = mask_file(subset, row)
                    if masked is not None:
                        archive.add(f"{MASKS}/{mask}", masked)
        if self.single:
            yield from ((member.name, member.sha256) for member in archive.members.values())
        else:
            reporter.phase("hashing the archive")
            yield FILE, file_sha256(folder / FILE)

    def fold(self, folder: Path, names: list[str]) -> Path:
        with Archive(folder) as archive:
            for name in names:
                if name not in archive.members:
                    archive.add(name, (folder / name).read_bytes())
        return folder / FILE


class Archive:
    """`folder`/subset.zip, opened to go on where an earlier attempt stopped."""

    def __init__(self, folder: Path) -> None:
        self.path, self.journal = folder / FILE, folder / JOURNAL
        self.members = {member.name: member for member in self._safe_members()}
        self.unsafe: list[Member] = []
        self.unsafe_bytes = 0

    def __enter__(self) -> "Archive":
        self.stream = self.path.open("r+b" if self.path.exists() else "w+b")
        self.stream.truncate(max((member.end for member in self.members.values()), default=0))
        # 'a' on a file without a directory appends; the members already there are put into the directory by hand
        self.zip = zipfile.ZipFile(self.stream, "a", zipfile.ZIP_STORED)
        for member in self.members.values():
            info = _info(member.name)
            info.CRC, info.file_size, info.compress_size = member.crc, member.size, member.size
            info.header_offset = member.offset
            self.zip.filelist.append(info)
            self.zip.NameToInfo[info.filename] = info
        return self

    def __exit__(self, *error: object) -> None:
        """Write the directory when all went well; an archive broken off is left for the next attempt."""
        self._make_safe()
        if error[0] is None:
            self.zip.close()
            self.stream.flush()
            os.fsync(self.stream.fileno())
        else:
            self.zip.fp = None  # or it would write a directory when it is collected
        self.stream.close()

    def add(self, name: str, content: bytes) -> None:
        """Append one member."""
        info = _info(name)
        self.zip.writestr(info, content)
        digest = hashlib.sha256(content).hexdigest()
        member = Member(name, digest, info.CRC, len(content), info.header_offset, self.stream.tell())
        self.members[name] = member
        self.unsafe.append(member)
        self.unsafe_bytes += len(content)
        if self.unsafe_bytes >= SAFE_BYTES:
            self._make_safe()

    def _make_safe(self) -> None:
        """First the archive, then the journal, so that the journal never promises what is not there."""
        self.stream.flush()
        os.fsync(self.stream.fileno())
        with self.journal.open("a") as journal:
            journal.writelines(json.dumps(asdict(member)) + "\n" for member in self.unsafe)
        self.unsafe, self.unsafe_bytes = [], 0

    def _safe_members(self) -> list[Member]:
        """The members noted in the journal that the archive is long enough to hold; a torn last line is dropped."""
        if not (self.journal.exists() and self.path.exists()):
            return []
        size, found = self.path.stat().st_size, []
        for line in self.journal.read_text().splitlines(keepends=True):
            if not line.endswith("\n"):
                break
            member = Member(**json.loads(line))
            if member.end > size:
                break
            found.append(member)
        return found


def _info(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, EARLIEST)
    info.compress_type = zipfile.ZIP_STORED
    info.create_system = 3  # Unix, whatever it is made on
    info.external_attr = 0o644 << 16
    return info

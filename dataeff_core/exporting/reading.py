"""An export as its reader finds it: a folder or one zip file, with archives inside."""

from __future__ import annotations

import hashlib
import stat
import tarfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from dataeff_core.errors import NotFound

BLOCK = 1 << 20
DAMAGE = (OSError, EOFError, RuntimeError, zipfile.BadZipFile, tarfile.TarError, zlib.error)


class Unreadable(Exception):
    """A file of an export that cannot be read; the message says why."""


class FolderExport:
    """The files below a folder."""

    def __init__(self, out: Path) -> None:
        self.out = out
        found = (path for path in out.rglob("*") if path.is_symlink() or not path.is_dir())
        self.names = {path.relative_to(out).as_posix() for path in found}

    def open(self, name: str) -> IO[bytes]:
        """The file `name`, which is one of `names`. Raises Unreadable."""
        path = self.out / name
        try:
            if not stat.S_ISREG(path.stat().st_mode):
                raise Unreadable("is no regular file")
            return path.open("rb")
        except OSError as error:
            raise Unreadable(f"cannot be read ({error.strerror})") from error

    def close(self) -> None:
        """Nothing is held open."""


class ZipExport:
    """The members of a zip file."""

    def __init__(self, stream: Path | IO[bytes]) -> None:
        try:
            self.archive = zipfile.ZipFile(stream)
        except DAMAGE as error:
            raise Unreadable(f"is no whole zip file ({error})") from error
        listed = [info.filename for info in self.archive.infolist() if not info.is_dir()]
        self.names = set(listed)
        self.twice = sorted(name for name, times in Counter(listed).items() if times > 1)

    def open(self, name: str) -> IO[bytes]:
        """The member `name`, which is one of `names`. Raises Unreadable."""
        try:
            return self.archive.open(name)
        except DAMAGE as error:
            raise Unreadable(f"cannot be read ({error})") from error

    def close(self) -> None:
        self.archive.close()


class TarMembers:
    """The members of a tar file, read one after another."""

    def __init__(self, stream: IO[bytes]) -> None:
        try:
            self.archive = tarfile.open(fileobj=stream, mode="r:")  # noqa: SIM115  closed by `close`
            self.members = {member.name: member for member in self.archive if member.isreg()}
        except DAMAGE as error:
            raise Unreadable(f"is no whole tar file ({error})") from error
        self.names = set(self.members)

    def open(self, name: str) -> IO[bytes]:
        """The member `name`, which is one of `names`. Raises Unreadable."""
        found = self.archive.extractfile(self.members[name])
        if found is None:
            raise Unreadable("is no regular file")
        return found

    def close(self) -> None:
        self.archive.close()


Files = FolderExport | ZipExport | TarMembers


def open_export(out: Path) -> FolderExport | ZipExport:
    """The export at `out`. Raises NotFound."""
    try:
        if out.is_dir():
            return FolderExport(out)
        if out.is_file():
            return ZipExport(out)
    except Unreadable as error:
        raise NotFound(f"{out} {error}, so it is no export; name an export's folder or zip file") from error
    raise NotFound(f"there is no export at {out}; name an export's folder or zip file")


def open_archive(name: str, stream: IO[bytes]) -> Files:
    """An archive inside an export. Raises Unreadable."""
    return TarMembers(stream) if name.endswith(".tar") else ZipExport(stream)


def blocks(files: Files, name: str) -> Iterator[bytes]:
    """A file's bytes in blocks. Raises Unreadable."""
    with files.open(name) as stream:
        try:
            while block := stream.read(BLOCK):
                yield block
        except DAMAGE as error:
            raise Unreadable(f"cannot be read ({error})") from error


def sha256(files: Files, name: str) -> str:
    """A file's sha256 (hex). Raises Unreadable."""
    digest = hashlib.sha256()
    for block in blocks(files, name):
        digest.update(block)
    return digest.hexdigest()


def content(files: Files, name: str) -> bytes:
    """A file's bytes. Raises Unreadable."""
    return b"".join(blocks(files, name))

"""Atomic files and folders, locks, fingerprints: nothing half-written is ever seen under its final name."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from dataeff_core.errors import BadInput, Conflict, StorageFailed
from dataeff_core.reporting import Reporter

if TYPE_CHECKING:
    import numpy as np


def fingerprint(*parts: Any) -> str:
    """sha256 (hex) over JSON-able values and bytes, in order; arrays count by dtype, shape and content."""
    import numpy as np

    digest = hashlib.sha256()
    for part in parts:
        if isinstance(part, bytes):
            digest.update(b"b" + len(part).to_bytes(8, "big") + part)
        elif isinstance(part, np.ndarray):
            digest.update(f"a{part.dtype.str}{part.shape}".encode())
            digest.update(np.ascontiguousarray(part).data)
        else:
            text = canonical_json(part).encode("utf-8", "surrogatepass")  # names may hold undecodable bytes
            digest.update(b"j" + len(text).to_bytes(8, "big") + text)
    return digest.hexdigest()


def canonical_json(value: Any) -> str:
    """JSON with sorted keys and no spaces, equal for equal values."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def file_sha256(path: Path, *, block: int = 1 << 20) -> str:
    """sha256 (hex) of a file's bytes, read in blocks."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(block):
            digest.update(chunk)
    return digest.hexdigest()


@contextlib.contextmanager
def storage_errors(what: str, path: Path) -> Iterator[None]:
    """Turn the operating system's refusals (full, read-only, forbidden) into one sentence."""
    try:
        yield
    except OSError as error:
        if isinstance(error, StorageFailed):
            raise
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise StorageFailed(f"the disk is full while {what} {path}; free some space and run it again") from error
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise StorageFailed(
                f"no permission for {what} {path}; change its permissions or choose another folder"
            ) from error
        raise StorageFailed(f"{what} {path} failed ({error.strerror or error}); choose another place") from error


def write_atomically(path: Path, write: Callable[[IO[bytes]], object]) -> None:
    """Let `write` fill a temporary file beside `path`, sync it, and rename it into place.

    Raises StorageFailed when the disk is full or the folder is not writable; the old file then stays.
    """
    with storage_errors("writing", path):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name[:80]}.{os.getpid()}.{secrets.token_hex(4)}.tmp")
        try:
            with temporary.open("wb") as stream:
                write(stream)
                stream.flush()
                os.fsync(stream.fileno())
            temporary.replace(path)
            sync_folder(path.parent)
        finally:
            temporary.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Make the renames in `folder` last through a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_json(path: Path, value: Any) -> None:
    """Write `value` as indented JSON, atomically; undecodable bytes in names become \\udcXX escapes."""
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    if any("\ud800" <= char <= "\udfff" for char in text):
        text = json.dumps(value, indent=2, allow_nan=False) + "\n"
    write_atomically(path, lambda stream: stream.write(text.encode()))


def read_json(path: Path) -> Any:
    """Read JSON. Raises StorageFailed, naming the file, when it is damaged."""
    try:
        return json.loads(path.read_bytes())
    except ValueError as error:
        raise StorageFailed(f"{path} is damaged ({error}); delete its folder and make it again") from error


def write_array(path: Path, array: np.ndarray) -> None:
    """Write one array as .npy, atomically and without pickle."""
    import numpy as np

    write_atomically(path, lambda stream: np.save(stream, array, allow_pickle=False))


@contextlib.contextmanager
def new_folder(final: Path, *, replace: bool = False) -> Iterator[Path]:
    """Yield a temporary folder that becomes `final` when the block ends well, and vanishes when it does not.

    Raises Conflict when `final` is there by then and `replace` is false.
    """
    with storage_errors("writing", final):
        final.parent.mkdir(parents=True, exist_ok=True)
        temporary = final.with_name(f".{final.name}.{os.getpid()}.{secrets.token_hex(4)}.tmp")
        temporary.mkdir()
    try:
        with storage_errors("writing", final):
            yield temporary
            if final.exists():
                if not replace:
                    raise Conflict(f"{final.name} is already there; choose another name")
                old = final.with_name(f".{final.name}.{secrets.token_hex(4)}.old")
                final.rename(old)
                temporary.rename(final)
                shutil.rmtree(old, ignore_errors=True)
            else:
                temporary.rename(final)
            sync_folder(final.parent)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


@contextlib.contextmanager
def exclusive(lock_file: Path, reporter: Reporter | None = None, *, wait: bool = True) -> Iterator[None]:
    """Hold `lock_file` for this process alone; the system frees it when the process ends, however it ends.

    With `wait` false raises Conflict at once when another process holds it.
    """
    with storage_errors("locking", lock_file):
        lock_file.parent.mkdir(parents=True, exist_ok=True)
        stream = lock_file.open("a+b")
    with stream:
        while True:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if not wait:
                    raise Conflict(
                        f"another process is working on {lock_file.parent.name}; wait until it is done"
                    ) from None
                if reporter is not None:
                    reporter.check()
                time.sleep(0.05)
        yield


def is_held(lock_file: Path) -> bool:
    """Whether some process holds `lock_file` exclusively; any number may look at once and see the same."""
    try:
        stream = lock_file.open("rb")
    except FileNotFoundError:
        return False
    with storage_errors("reading", lock_file), stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False


def inside(root: Path, relative: str | os.PathLike[str]) -> Path:
    """`root / relative`, resolved, and refused with BadInput unless it stays inside `root`."""
    resolved_root = root.resolve()
    try:
        path = (resolved_root / relative).resolve()
    except (OSError, RuntimeError, ValueError) as error:  # too long, a loop of links, a NUL
        raise BadInput(f"the path {os.fspath(relative)!r:.200} cannot be followed ({error}); check it") from error
    if path != resolved_root and resolved_root not in path.parents:
        raise BadInput(f"the path {os.fspath(relative)!r} leads out of {resolved_root}; use a path inside it")
    return path

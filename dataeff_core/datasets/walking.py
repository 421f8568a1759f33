"""Which files of a source are images and videos, found without opening them and without leaving the source."""

# ruff: noqa: PTH110, PTH119, PTH122  # pathlib has no paths of bytes
import os
import stat
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from dataeff_core.datasets.names import shown
from dataeff_core.errors import BadInput
from dataeff_core.reporting import Reporter

IMAGE_EXTENSIONS = frozenset({b".jpg", b".jpeg", b".jpe", b".png", b".bmp", b".tif", b".tiff", b".webp"})
VIDEO_EXTENSIONS = frozenset({b".mp4", b".m4v", b".avi", b".mov", b".mkv"})


@dataclass(frozen=True)
class FoundFile:
    """An image or video: its path relative to the source, what its name says it is, its state on disk."""

    path: bytes
    kind: str  # 'image' or 'video'
    file_bytes: int
    mtime_ns: int


@dataclass
class Listing:
    """What a walk found. `problems` are (path, reason) of what could not be looked at."""

    files: list[FoundFile] = field(default_factory=list)
    problems: list[tuple[bytes, str]] = field(default_factory=list)
    ignored: int = 0  # other files


def walk(root: Path, leave_out: Collection[Path] = (), reporter: Reporter | None = None) -> Listing:
    """List the images and videos below `root` (a folder, or one file), sorted by path.

    Hidden files and folders and those in `leave_out` are passed over. Links to folders are not followed, so a
    loop cannot trap the walk; a link to a file counts where the file lies inside `root`. The reporter counts folders.
    Raises BadInput when `root` is not there or is neither folder nor file.
    """
    listing = Listing()
    top = os.fsencode(root)
    if root.is_file():
        _take(listing, os.path.basename(top), root.stat())
        if not listing.files:
            raise BadInput(f"{shown(top)} is neither an image nor a video by its name; {_known()}")
        return listing
    if not root.is_dir():
        what = "is neither a folder nor a file" if root.exists() else "is not there"
        raise BadInput(f"the source {shown(top)} {what}; name a folder of images or videos")
    skipped = {os.path.realpath(os.fsencode(path)) for path in leave_out}
    pending = [top]
    while pending:
        folder = pending.pop()
        if reporter is not None:
            reporter.advance()
        pending.extend(path for path in _look_into(listing, top, folder) if os.path.realpath(path) not in skipped)
    listing.files.sort(key=lambda file: file.path)
    listing.problems.sort()
    return listing


def _known() -> str:
    names = sorted(extension.decode()[1:] for extension in IMAGE_EXTENSIONS | VIDEO_EXTENSIONS)
    return f"known are {', '.join(names)}"


def _look_into(listing: Listing, top: bytes, folder: bytes) -> Iterator[bytes]:
    """Add the files of one folder to `listing`; yield its sub-folders."""
    try:
        with os.scandir(folder) as entries:
            found = list(entries)
    except OSError as error:
        reason = f"this folder cannot be read ({error.strerror or error})"
        listing.problems.append((os.path.relpath(folder, top), reason))
        return
    for entry in found:
        if entry.name.startswith(b"."):
            continue
        relative = os.path.relpath(entry.path, top)
        try:
            if entry.is_dir(follow_symlinks=False):
                yield entry.path
            elif entry.is_symlink():
                _look_at_link(listing, top, entry, relative)
            else:
                _take(listing, relative, entry.stat(follow_symlinks=False))
        except OSError as error:
            listing.problems.append((relative, f"it cannot be looked at ({error.strerror or error})"))


def _look_at_link(listing: Listing, top: bytes, entry: os.DirEntry[bytes], relative: bytes) -> None:
    target = os.path.realpath(entry.path)
    if entry.is_dir():
        if not _is_inside(target, os.path.realpath(top)):
            listing.problems.append((relative, "a link to a folder outside the source; links are not followed there"))
    elif kind_of(relative) is None:
        listing.ignored += 1
    elif not os.path.exists(target):
        listing.problems.append((relative, "a link to a file that is not there"))
    elif not _is_inside(target, os.path.realpath(top)):
        listing.problems.append((relative, "a link to a file outside the source; copy it in, or import its folder"))
    else:
        _take(listing, relative, entry.stat())


def _is_inside(path: bytes, top: bytes) -> bool:
    return path == top or path.startswith(top.rstrip(b"/") + b"/")


def _take(listing: Listing, relative: bytes, state: os.stat_result) -> None:
    kind = kind_of(relative)
    if kind is None:
        listing.ignored += 1
    elif not stat.S_ISREG(state.st_mode):
        listing.problems.append((relative, "not a regular file (a pipe, socket or device)"))
    else:
        listing.files.append(FoundFile(relative, kind, state.st_size, state.st_mtime_ns))


def kind_of(path: bytes) -> str | None:
    """'image', 'video' or None, by the extension."""
    extension = os.path.splitext(path)[1].lower()
    if extension in IMAGE_EXTENSIONS:
        return "image"
    return "video" if extension in VIDEO_EXTENSIONS else None

"""Writing an export: beside its target under a hidden name, then renamed, so that it is there whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import secrets
import shutil
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dataeff_core import __version__
from dataeff_core.errors import BadInput, Conflict
from dataeff_core.exporting import find_format
from dataeff_core.exporting.audit import BLIND_FILE, audit_csv, table_csv
from dataeff_core.exporting.audit import FILE as AUDIT
from dataeff_core.exporting.base import Format, Subset
from dataeff_core.exporting.copies import WRITING
from dataeff_core.exporting.manifest import MANIFEST, RECIPE, SCORES, frames_of, manifest_of, recipe_of
from dataeff_core.exporting.sums import FILE as SUMS
from dataeff_core.exporting.sums import read_sums, write_sums
from dataeff_core.exporting.zipped import JOURNAL
from dataeff_core.reporting import Reporter
from dataeff_core.suppliers import blind_audit_rows
from dataeff_core.workspace.datasets import table_fingerprint
from dataeff_core.workspace.storage import (
    exclusive,
    file_sha256,
    fingerprint,
    storage_errors,
    sync_folder,
    write_atomically,
    write_json,
)
from dataeff_core.workspace.trail import trail_of

if TYPE_CHECKING:
    import pandas as pd

    from dataeff_core.workspace import SavedSelection, Workspace
    from dataeff_core.workspace.trail import Entry

LOCK = ".lock"


@dataclass(frozen=True)
class ExportResult:
    """What was written: `frames` kept frames, `bytes` in all files of `out` together."""

    out: Path
    frames: int
    bytes: int
    seconds: float


def export(
    workspace: Workspace,
    saved: SavedSelection,
    out: Path,
    *,
    format: str = "manifest",
    force: bool = False,
    reporter: Reporter | None = None,
) -> ExportResult:
    """Write the subset that `saved` kept to the folder `out` (or, format zip, to the file `out`.zip).

    An export that was broken off goes on where it stopped when it is run again. With `force` an earlier export at
    `out` is replaced, and nothing else ever is. Raises Conflict when `out` is in use, Stale when an original is no
    longer what was imported, StorageFailed, BadInput, Cancelled; `out` then is as it was.
    """
    started = time.monotonic()
    reporter = reporter or Reporter()
    out = _target(workspace, out)
    writer_class = find_format(format)
    writer = writer_class(single=writer_class.makes_single(out))
    check_target(out, force=force)
    plan = _plan(workspace, saved, writer)
    if writer.NEEDS_ORIGINALS:
        reporter.phase("looking for the originals")
        plan.subset.check_originals()
    with _partial(out, plan.key) as folder, storage_errors("exporting to", out):
        product = _write(plan, folder, reporter)
        size = _bytes_in(product)
        _put_in_place(product, out, force=force)
    return ExportResult(out, len(plan.subset.kept), size, time.monotonic() - started)


@dataclass(frozen=True)
class _Plan:
    """All that determines an export's content."""

    writer: Format
    subset: Subset
    saved: SavedSelection
    manifest: pd.DataFrame
    trail: list[Entry]  # up to the last entry that the manifest obeys
    blind: bytes  # what the blind audits of the selection came to, as a table; empty where none was drawn

    @property
    def key(self) -> str:
        record = self.saved.record
        parts = (self.writer.NAME, self.writer.single, record.id, record.created, __version__)
        return fingerprint(*parts, table_fingerprint(self.manifest), self.saved.pins.last, self.blind.decode())


def _plan(workspace: Workspace, saved: SavedSelection, writer: Format) -> _Plan:
    dataset = workspace.dataset(saved.record.dataset)
    frames = frames_of(dataset, saved)
    manifest = manifest_of(saved, frames)
    kept = (manifest["decision"] == "kept").to_numpy()
    subset = Subset(dataset, frames[kept].reset_index(drop=True))
    manifest.loc[kept, "file"] = writer.places(subset)
    manifest["file"] = manifest["file"].astype("string")
    trail = trail_of(dataset.folder).entries(upto=saved.pins.last)
    columns, rows = blind_audit_rows(dataset, saved.id, trail)
    return _Plan(writer, subset, saved, manifest, trail, table_csv(columns, rows) if rows else b"")


def check_target(out: Path, *, force: bool) -> None:
    """Raise Conflict unless `out` is free, or holds nothing but an earlier export and `force` is given."""
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return
    if not force:
        raise Conflict(f"{out} is already there and not empty; choose another place, or --force to replace an export")
    if out.is_file():
        if not _is_exported_zip(out):
            raise Conflict(f"{out} is not an export, so it is not replaced; choose another place")
        return
    if not all((out / name).is_file() for name in (MANIFEST, RECIPE, SUMS)):
        raise Conflict(f"{out} is not an export, so it is not replaced; choose another place")
    ours = {*read_sums((out / SUMS).read_bytes()), SUMS}
    foreign = [path for path in _files(out) if path not in ours]
    if foreign:
        more = f" and {len(foreign) - 1} more" if len(foreign) > 1 else ""
        raise Conflict(f"{out} also holds {foreign[0]!r}{more}, which no export wrote; move it away first")


def _target(workspace: Workspace, out: Path) -> Path:
    out = out.expanduser().absolute()
    with storage_errors("looking at", out):
        try:
            out = out.resolve()
        except RuntimeError as error:
            raise BadInput(f"{out} is a link that leads back to itself; choose another place") from error
    inner = [workspace.root.resolve() / name for name in ("datasets", "thumbnails", "jobs")]
    if not out.name or any(folder == out or folder in out.parents for folder in inner):
        raise BadInput(f"{out} is the workspace's own folder; choose another place for the export")
    if workspace.root.resolve() == out:
        raise BadInput(f"{out} is the workspace itself; choose another place for the export")
    return out


@contextlib.contextmanager
def _partial(out: Path, key: str) -> Iterator[Path]:
    """The hidden folder beside `out` to write into, held for this process; it outlives a failure, to go on from."""
    stem = f".{out.name[:120]}.partial-"
    folder = out.with_name(stem + key[:16])
    with storage_errors("exporting to", out):
        folder.mkdir(parents=True, exist_ok=True)
    with exclusive(folder / LOCK, wait=False):
        yield folder
        shutil.rmtree(folder, ignore_errors=True)
    for left in out.parent.glob(f"{_literal(stem)}*"):  # broken-off exports of something else to the same place
        with contextlib.suppress(Conflict), exclusive(left / LOCK, wait=False):
            shutil.rmtree(left, ignore_errors=True)


def _literal(text: str) -> str:
    return "".join(f"[{char}]" if char in "*?[" else char for char in text)


def _write(plan: _Plan, folder: Path, reporter: Reporter) -> Path:
    """Write all files into `folder`; answers what is to be renamed to the target."""
    hashes = dict(plan.writer.write(plan.subset, folder, reporter))
    plan.subset.raise_failures()
    reporter.phase("writing the manifest")
    tables = {MANIFEST: plan.manifest, SCORES: plan.saved.scores}
    written = [RECIPE, *(name for name, table in tables.items() if table is not None)]
    write_json(folder / RECIPE, recipe_of(plan.saved, plan.manifest, export_format=plan.writer.NAME))
    for name, content in {AUDIT: audit_csv(plan.trail) if plan.trail else b"", BLIND_FILE: plan.blind}.items():
        if content:
            written.append(name)
            write_atomically(folder / name, lambda stream, content=content: stream.write(content))  # type: ignore[misc]
    for name, table in tables.items():
        if table is not None:
            write_atomically(folder / name, lambda stream, table=table: table.to_parquet(stream, index=False))  # type: ignore[misc]
    hashes |= {name: file_sha256(folder / name) for name in written}
    write_atomically(folder / SUMS, lambda stream: stream.write(write_sums(hashes)))
    return plan.writer.fold(folder, [*written, SUMS]) if plan.writer.single else folder


def _put_in_place(product: Path, out: Path, *, force: bool) -> None:
    """Rename the finished `product` to `out`; an earlier export there is moved aside first and then deleted."""
    for name in (LOCK, WRITING, JOURNAL):
        if product.is_dir():
            (product / name).unlink(missing_ok=True)
    check_target(out, force=force)
    aside = None
    if out.exists() and (out.is_file() or any(out.iterdir())):
        aside = out.with_name(f".{out.name[:120]}.{secrets.token_hex(4)}.old")
        out.rename(aside)
    try:
        product.rename(out)
    except OSError as error:
        if aside is not None:
            aside.rename(out)
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
            raise Conflict(f"something else was written to {out} meanwhile; choose another place") from error
        raise
    sync_folder(out.parent)
    if aside is not None:
        shutil.rmtree(aside, ignore_errors=True) if aside.is_dir() else aside.unlink()


def _is_exported_zip(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            return {MANIFEST, RECIPE, SUMS} <= set(archive.namelist())
    except zipfile.BadZipFile:
        return False


def _files(folder: Path) -> list[str]:
    """Relative names of all that is not a folder below `folder`, sorted."""
    found = (path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())
    return sorted(path.relative_to(folder).as_posix() for path in found)


def _bytes_in(product: Path) -> int:
    if product.is_file():
        return product.stat().st_size
    return sum((product / name).lstat().st_size for name in _files(product) if name not in (LOCK, WRITING, JOURNAL))

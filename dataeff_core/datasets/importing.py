"""Import: a folder of images and videos becomes a dataset, or adds what is new to one.

Every file is decoded in full, once, in processes of its own (`decoder_pool`). Files that are known (same path,
size and time of change) are not decoded again; files that vanished are marked and not forgotten; files that cannot
be decoded are listed with their reason. Readers see the old state or the new one, nothing between.
"""

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from dataeff_core.datasets import grouping, merging
from dataeff_core.datasets.decoder_pool import usable_cores
from dataeff_core.datasets.import_run import ImportRun, Outcome
from dataeff_core.datasets.names import resolved, shown_path
from dataeff_core.errors import BadInput
from dataeff_core.reporting import Reporter
from dataeff_core.workspace.datasets import Dataset, Source
from dataeff_core.workspace.root import Workspace
from dataeff_core.workspace.storage import exclusive, fingerprint

EVERY_FRAME = 0.0


@dataclass(frozen=True)
class ImportResult:
    """What an import did. Counts are of frames, and of the whole dataset, unless said otherwise."""

    dataset: str
    frames: int  # present
    added: int  # new or changed in this import
    unchanged: int  # known before and present, of this source
    returned: int  # vanished before and back, of this source
    vanished: int  # present before and not found any more, in this import
    videos: int  # video files among the present
    groups: int
    unreadable: list[dict[str, str]]  # path, reason
    exact_duplicates: int  # frames whose content equals an earlier frame's
    ignored: int  # other files in the source
    unmatched: merging.Unmatched
    seconds: float


def import_frames(
    workspace: Workspace,
    source: Path,
    *,
    name: str,
    fps: float | None = None,
    groups: str | None = None,
    masks: Path | None = None,
    labels: Path | None = None,
    workers: int | None = None,
    reporter: Reporter | None = None,
) -> ImportResult:
    """Import the folder (or single file) `source` into the dataset `name`, which is made if it is not there.

    fps: frames a second taken from videos, the first at or after each tick; 0 takes every frame. groups: a rule of
    `dataeff_core.datasets.grouping`. masks: a folder of masks named like their frames. labels: a CSV file. What is
    None stays as in this source's last import (at first: every frame, groups by folder, no masks, no labels).
    workers: decoding processes, by default one for each core.

    Raises BadInput (nothing to import, a rule that fits nothing, ...), StorageFailed (disk full, ...), Cancelled;
    the dataset is then as it was before.
    """
    started = time.monotonic()
    reporter = reporter or Reporter()
    root = _checked_source(workspace, source)
    _check_options(name, fps, workers)
    lock = workspace.datasets_folder / f".import-{fingerprint(name)[:16]}.lock"
    with exclusive(lock, reporter), _held(workspace, name, reporter) as dataset:
        options = _options(dataset, root, fps=fps, groups=groups, masks=masks, labels=labels)
        outcome = ImportRun(workspace, dataset, name, options, reporter).run(workers or usable_cores())
    return _result(outcome, time.monotonic() - started)


@contextlib.contextmanager
def _held(workspace: Workspace, name: str, reporter: Reporter) -> Iterator[Dataset | None]:
    """The dataset called `name`, locked and as it is now, or None when there is none."""
    found = [dataset for dataset in workspace.datasets() if dataset.record.name == name]
    if not found:
        yield None
        return
    with exclusive(found[-1].lock_file, reporter):
        yield workspace.dataset(found[-1].id)


def _checked_source(workspace: Workspace, source: Path) -> Path:
    root = resolved(Path(source))
    try:
        str(root).encode()
    except UnicodeEncodeError:
        raise BadInput(
            f"the source's own name {shown_path(root)} is no UTF-8; rename it (names inside it may be anything)"
        ) from None
    if not root.exists():
        raise BadInput(f"the source {shown_path(root)} is not there; check the path, or mount its disk")
    for own in (workspace.datasets_folder, workspace.root / "thumbnails", workspace.jobs_folder):
        if own.resolve() in (root, *root.parents):
            raise BadInput(f"the source {shown_path(root)} is the workspace's own folder; name the originals' folder")
    return root


def _check_options(name: str, fps: float | None, workers: int | None) -> None:
    if not name.strip() or len(name) > 200 or not name.isprintable():
        raise BadInput(f"the name {name[:80]!r} is not 1 to 200 printable characters; choose another")
    if name == "latest":
        raise BadInput("the name 'latest' stands for the newest dataset; choose another")
    if fps is not None and not 0 <= fps <= 1000:
        raise BadInput(f"fps {fps} is not in 0..1000; give frames a second, 0 for every frame")
    if workers is not None and not 1 <= workers <= 256:
        raise BadInput(f"workers {workers} is not in 1..256; give the number of decoding processes")


def _options(
    dataset: Dataset | None,
    root: Path,
    *,
    fps: float | None,
    groups: str | None,
    masks: Path | None,
    labels: Path | None,
) -> Source:
    """The source with what was asked for, else as in its last import."""
    known = {one.root: one for one in (dataset.record.sources if dataset else ())}
    source = known.get(str(root), Source(root=str(root)))
    grouping.check_rule(groups)
    changes: dict[str, object] = {}
    if fps is not None:
        changes["fps"] = None if fps == EVERY_FRAME else float(fps)
    if groups is not None:
        changes["groups"] = str(resolved(Path(groups))) if groups.lower().endswith(".csv") else groups
    if masks is not None:
        changes["masks"] = str(resolved(Path(masks)))
    if labels is not None:
        changes["labels"] = str(resolved(Path(labels)))
    return source.model_copy(update=changes)


def _result(outcome: Outcome, seconds: float) -> ImportResult:
    frames, unreadable = outcome.dataset.frames, outcome.dataset.unreadable
    videos = frames[frames["kind"] == "video"]
    return ImportResult(
        dataset=outcome.dataset.id,
        frames=len(frames),
        added=outcome.added,
        unchanged=outcome.unchanged,
        returned=outcome.returned,
        vanished=outcome.vanished,
        videos=len(videos[["source", "path_bytes"]].drop_duplicates()),
        groups=int(frames["group"].nunique()),
        unreadable=[
            {"path": str(path), "reason": str(reason)}
            for path, reason in zip(unreadable["path"], unreadable["reason"], strict=True)
        ],
        exact_duplicates=int(frames["sha256"].duplicated().sum()),
        ignored=outcome.listing.ignored,
        unmatched=outcome.unmatched,
        seconds=seconds,
    )

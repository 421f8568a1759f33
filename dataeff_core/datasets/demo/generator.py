"""The demo dataset as a whole: how the frames are shared out to videos, drawn by processes, and put in place."""

import csv
import multiprocessing
import os
import shutil
import threading
import time
from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import psutil

from dataeff_core.errors import BadInput, Conflict
from dataeff_core.workspace.storage import storage_errors

from .truth import COLUMNS
from .video import VideoPlan, render_video

DEFAULT_SIZE = 384
FRAMES_A_VIDEO = 100
SIZES = (64, 1024)
MOST_FRAMES = 1_000_000
_STOP = ".stop"


@dataclass(frozen=True)
class DemoVideos:
    """What `generate` wrote: videos/*.mp4, masks/*.png (a frame each) and truth.csv in `folder`."""

    folder: Path
    videos: tuple[Path, ...]
    masks: Path
    truth: Path
    frames: int
    seconds: float


def generate(
    folder: Path,
    *,
    frames: int = 600,
    seed: int = 0,
    size: int = DEFAULT_SIZE,
    progress: Callable[[int], None] | None = None,
    workers: int | None = None,
) -> DemoVideos:
    """Write synthetic endoscopy videos of `frames` frames in all into `folder`, all or nothing.

    The same (frames, seed, size) gives the same pictures and truth on the same machine. size: the square frame's
    side in pixels, even; progress: called with the number of frames done so far, may raise to stop; workers:
    processes (default: the processors at hand). `folder` must be empty or not there; its parent is made.

    folder/videos/NAME.mp4        NAME = colonoscopy_01, ...; 10 frames/s
    folder/masks/NAME_INDEX.png   0/255, of the frame's size, for every frame; INDEX = the frame's, six digits.
                                  It tells where polyps stand in the undisturbed picture, less what lies over them
                                  (instrument, stool); empty on text screens and black frames
    folder/truth.csv              see `truth.COLUMNS`; a near-duplicate group is defined by the known camera poses
                                  (`camera.view_groups`), and a frame with a fault belongs to none

    Raises BadInput, Conflict (folder not empty), StorageFailed (disk full, not writable).
    """
    _check(frames=frames, seed=seed, size=size, workers=workers)
    _check_free(folder)
    started = time.monotonic()
    with storage_errors("writing", folder):
        stage = _staging_folder(folder)
        try:
            plans = plan_videos(stage, frames=frames, seed=seed, size=size)
            rows = _render_all(plans, progress or (lambda done: None), workers or _processors())
            _write_truth(rows, stage / "truth.csv")
            _put_in_place(stage, folder)
        finally:
            shutil.rmtree(stage, ignore_errors=True)
    return DemoVideos(
        folder=folder,
        videos=tuple(folder / "videos" / f"{plan.name}.mp4" for plan in plans),
        masks=folder / "masks",
        truth=folder / "truth.csv",
        frames=frames,
        seconds=time.monotonic() - started,
    )


def plan_videos(folder: Path, *, frames: int, seed: int, size: int) -> list[VideoPlan]:
    """Videos of about 100 frames each (at least two from 12 frames on), whose lengths add up to `frames`."""
    count = 1 if frames < 12 else max(2, round(frames / FRAMES_A_VIDEO))
    digits = max(2, len(str(count)))
    plans = []
    for number in range(count):
        length = (number + 1) * frames // count - number * frames // count
        name = f"colonoscopy_{number + 1:0{digits}d}"
        plans.append(VideoPlan(folder=folder, name=name, number=number, frames=length, size=size, seed=seed))
    return plans


def _check(*, frames: int, seed: int, size: int, workers: int | None) -> None:
    if not 1 <= frames <= MOST_FRAMES:
        raise BadInput(f"frames {frames} is not in 1..{MOST_FRAMES}; choose a number within it")
    if not SIZES[0] <= size <= SIZES[1] or size % 2:
        raise BadInput(
            f"size {size} is not an even number in {SIZES[0]}..{SIZES[1]}; choose one, such as {DEFAULT_SIZE}"
        )
    if seed < 0:
        raise BadInput(f"seed {seed} is negative; choose 0 or more")
    if workers is not None and workers < 1:
        raise BadInput(f"workers {workers} is less than 1; leave it out to use every processor")


def _check_free(folder: Path) -> None:
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise Conflict(f"{folder} is not a folder; choose another place for the demo videos")
    with storage_errors("reading", folder):
        if folder.is_dir() and any(folder.iterdir()):
            raise Conflict(f"{folder} is not empty; choose a new folder for the demo videos, or empty it")


def _staging_folder(folder: Path) -> Path:
    """A hidden sibling to write into; those left by runs that were killed are taken away."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    prefix = f".{folder.name}.partial-"
    for left in folder.parent.glob(f"{prefix}*"):
        owner = left.name.removeprefix(prefix)
        if owner.isdigit() and not psutil.pid_exists(int(owner)):
            shutil.rmtree(left, ignore_errors=True)
    stage = folder.parent / f"{prefix}{os.getpid()}"
    for part in ("videos", "masks"):
        (stage / part).mkdir(parents=True)
    return stage


def _write_truth(rows: list[dict[str, Any]], path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        table = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
        table.writeheader()
        table.writerows(rows)


def _put_in_place(stage: Path, folder: Path) -> None:
    _check_free(folder)
    if folder.is_dir():
        folder.rmdir()
    stage.rename(folder)


def _processors() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _render_all(plans: list[VideoPlan], progress: Callable[[int], None], workers: int) -> list[dict[str, Any]]:
    """Truth rows of all videos, in order; progress counts the masks written."""
    stage = plans[0].folder
    if workers == 1 or len(plans) == 1:
        rows: list[dict[str, Any]] = []
        for plan in plans:
            before = len(rows)
            rows += render_video(plan, partial(_tell, progress, stage / "masks"))
            progress(before + plan.frames)
        return rows
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(workers, len(plans)), mp_context=context, initializer=_end_with_parent) as pool:
        futures = [pool.submit(_render_unless_stopped, plan) for plan in plans]
        try:
            _watch(futures, stage / "masks", progress)
        except BaseException:  # also Ctrl-C: the workers must stop before it is raised again
            (stage / _STOP).touch()
            pool.shutdown(wait=True, cancel_futures=True)
            raise
        return [row for future in futures for row in future.result()]


def _watch(futures: list[Future], masks: Path, progress: Callable[[int], None]) -> None:
    """Report progress until every video is drawn; raises at once what a worker raised."""
    waiting: set[Future] = set(futures)
    while waiting:
        done, waiting = wait(waiting, timeout=0.4, return_when=FIRST_EXCEPTION)
        for future in done:
            future.result()
        progress(sum(1 for _ in masks.iterdir()))


def _tell(progress: Callable[[int], None], masks: Path) -> bool:
    progress(sum(1 for _ in masks.iterdir()))
    return False


def _render_unless_stopped(plan: VideoPlan) -> list[dict[str, Any]]:
    return render_video(plan, (plan.folder / _STOP).exists)


def _end_with_parent() -> None:
    """In a worker: end when the parent was killed; a pool's workers would wait for it for ever."""
    parent = multiprocessing.parent_process()

    def watch() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=watch, daemon=True).start()

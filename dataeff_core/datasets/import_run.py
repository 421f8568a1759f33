"""One import at work: look, decode what is new, merge, save."""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from dataeff_core.datasets import merging
from dataeff_core.datasets.decoder_pool import Decoded, Task, decode_files
from dataeff_core.datasets.ledger import NO_FRAME, Ledger
from dataeff_core.datasets.names import shown, shown_path
from dataeff_core.datasets.walking import FoundFile, Listing, walk
from dataeff_core.errors import BadInput, Cancelled
from dataeff_core.reporting import Reporter
from dataeff_core.workspace.datasets import UNREADABLE_COLUMNS, Dataset, DatasetRecord, Source, save_frames
from dataeff_core.workspace.records import fresh_id, now
from dataeff_core.workspace.root import Workspace
from dataeff_core.workspace.storage import new_folder
from dataeff_core.workspace.thumbnails import is_whole, sweep


@dataclass(frozen=True)
class Outcome:
    """What an import run did; counts are of frames of its source."""

    dataset: Dataset
    listing: Listing
    unmatched: merging.Unmatched
    added: int
    unchanged: int
    returned: int
    vanished: int


class ImportRun:
    """One import at work; its caller holds the locks."""

    def __init__(
        self, workspace: Workspace, dataset: Dataset | None, name: str, source: Source, reporter: Reporter
    ) -> None:
        self.workspace, self.dataset, self.name, self.source = workspace, dataset, name, source
        self.reporter = reporter
        self.root = Path(source.root)
        sources = dataset.record.sources if dataset else ()
        roots = [one.root for one in sources]
        self.number = roots.index(source.root) if source.root in roots else len(roots)
        self.before = sources[self.number] if self.number < len(sources) else None
        self.sources = (*sources[: self.number], source, *sources[self.number + 1 :])
        self.old = merging.completed(dataset.all_frames) if dataset else merging.empty_frames()
        self.mine = self.old[self.old["source"] == self.number]

    def run(self, workers: int) -> Outcome:
        listing = self._walk()
        self._preflight(listing)
        unchanged = self._unchanged(listing)
        ledger = Ledger(self.workspace.datasets_folder, self.name, self.source.root)
        decoded = self._decode([file for file in listing.files if file.path not in unchanged], ledger, workers)
        fresh = merging.new_rows(decoded, self.number, now())
        rows = merging.merge(self.mine, fresh, unchanged)
        others = self.old[self.old["source"] != self.number]
        if not rows["present"].any() and not (len(self.mine) and others["present"].any()):
            ledger.discard()
            raise BadInput(self._nothing_readable(listing, decoded))
        self.reporter.phase("saving")
        rows, unmatched = merging.attach(rows, self.source, self.reporter)
        table = merging.ordered(merging.stacked(others.assign(explicit=others["order"].astype("float64")), rows))
        table = merging.completed(merging.scored(table))
        dataset = self._save(table, self._unreadable(listing, decoded, unchanged))
        ledger.discard()
        return Outcome(dataset, listing, unmatched, *self._counts(rows, unchanged))

    def _walk(self) -> Listing:
        self.reporter.phase("looking through the source")
        kept_out = [self.workspace.datasets_folder, self.workspace.root / "thumbnails", self.workspace.jobs_folder]
        if self.source.masks is not None:
            kept_out.append(Path(self.source.masks))
        listing = walk(self.root, kept_out, self.reporter)
        if not listing.files:
            others = f"; {listing.ignored} other files were passed over" if listing.ignored else ""
            problem = f" ({listing.problems[0][1]})" if listing.problems else ""
            where = shown_path(self.root)
            raise BadInput(f"there is no image or video in {where}{problem}{others}; name a folder with some")
        return listing

    def _preflight(self, listing: Listing) -> None:
        """Refuse wrong rules and tables before the work and not after it."""
        paths = [shown(file.path) for file in listing.files]
        files = pd.DataFrame({"path": paths, "kind": [file.kind for file in listing.files], "frame_index": 0})
        merging.attach(files.assign(group="", order=0), self.source, Reporter())

    def _unchanged(self, listing: Listing) -> set[bytes]:
        """Paths of the files whose rows hold good, with all measures, and whose thumbnails are all there."""
        on_disk = {file.path: (file.file_bytes, file.mtime_ns) for file in listing.files}
        same_fps = self.before is not None and self.before.fps == self.source.fps
        good: dict[bytes, bool] = {}
        measured = self.mine.reindex(columns=list(merging.QUALITY_COLUMNS)).notna().all(axis=1)
        columns = [self.mine[name] for name in ("path_bytes", "kind", "file_bytes", "mtime_ns", "sha256")]
        for path, kind, size, mtime, sha256, whole in zip(*columns, measured, strict=True):
            if good.get(path, True):
                fits = whole and on_disk.get(path) == (size, mtime) and (kind == "image" or same_fps)
                good[path] = fits and is_whole(self.workspace.thumbnail(sha256))
        return {path for path, holds in good.items() if holds}

    def _decode(self, files: list[FoundFile], ledger: Ledger, workers: int) -> pd.DataFrame:
        """The rows (ledger.COLUMNS) of `files`, decoded now or by an import that was stopped."""
        finished = ledger.finished()
        if finished:  # an import before this one was cut short
            sweep(self.workspace.root / "thumbnails")
        wanted = {file.path: (file.path, file.file_bytes, file.mtime_ns, self._fps(file)) for file in files}
        waiting = [file for file in files if wanted[file.path] not in finished]
        waiting.sort(key=lambda file: (file.kind != "video", -file.file_bytes if file.kind == "video" else 0))
        tasks = [
            Task(number, self._absolute(file.path), file.kind, self._fps(file)) for number, file in enumerate(waiting)
        ]
        self.reporter.phase("decoding", len(tasks))
        try:
            for number, decoded in self._collected(tasks, workers):
                ledger.add(waiting[number], tasks[number].fps, decoded)
        except (Cancelled, KeyboardInterrupt):
            ledger.flush()
            raise
        rows = ledger.read()
        return rows[rows["path_bytes"].isin(set(wanted))].reset_index(drop=True)

    def _collected(self, tasks: list[Task], workers: int) -> Iterator[tuple[int, Decoded]]:
        """Gather each file's answers; progress counts images, and videos by their frames."""
        open_files: dict[int, Decoded] = {}
        counted: dict[int, int] = {}  # steps of the total that a video stands for
        if not tasks:
            return
        with contextlib.closing(decode_files(tasks, self.workspace.root / "thumbnails", workers)) as answers:
            for task, answer in answers:
                decoded = open_files.setdefault(task.number, Decoded())
                if answer["event"] == "expect":
                    counted[task.number] = max(1, answer["frames"])
                    self._expect(counted[task.number] - 1)
                elif answer["event"] == "frame":
                    decoded.frames.append({**answer, "quality": answer["quality"]})
                    if task.kind == "video":
                        self.reporter.advance()
                else:
                    decoded.file_sha256, decoded.reason = answer["file_sha256"], answer["reason"]
                    if answer.get("died"):
                        decoded.frames.clear()
                    yield task.number, open_files.pop(task.number)
                    if task.kind == "video":
                        self._expect(len(decoded.frames) - counted.get(task.number, 1))
                    self.reporter.advance(0 if task.kind == "video" else 1)

    def _expect(self, more: int) -> None:
        self.reporter.total = (self.reporter.total or 0) + more

    def _fps(self, file: FoundFile) -> float | None:
        return self.source.fps if file.kind == "video" else None

    def _absolute(self, path: bytes) -> bytes:
        return os.fsencode(self.root if self.root.is_file() else self.root / os.fsdecode(path))

    def _unreadable(self, listing: Listing, decoded: pd.DataFrame, unchanged: set[bytes]) -> pd.DataFrame:
        """What could not be read, of all sources: (path, path_bytes, source, reason, file_bytes)."""
        old = self.dataset.unreadable if self.dataset else merging.unreadable_table()
        kept = old[(old["source"] != self.number) | old["path_bytes"].isin(unchanged)]
        failed = decoded[decoded["reason"].notna()].drop_duplicates("path_bytes")
        found = [*zip(failed["path_bytes"], failed["reason"], failed["file_bytes"], strict=True)]
        found += [(path, reason, 0) for path, reason in listing.problems]
        rows = [(shown(path), path, self.number, reason, int(size)) for path, reason, size in found]
        return merging.unreadable_table(kept, pd.DataFrame(rows, columns=list(UNREADABLE_COLUMNS)))

    def _nothing_readable(self, listing: Listing, decoded: pd.DataFrame) -> str:
        first = decoded[decoded["frame_index"] == NO_FRAME].iloc[0]
        count = "the only file" if len(listing.files) == 1 else f"none of the {len(listing.files)} files"
        verb = "cannot be decoded" if len(listing.files) == 1 else "can be decoded"
        return f"{count} in {self.root} {verb} ({shown(first['path_bytes'])}: {first['reason']}); check the source"

    def _save(self, table: pd.DataFrame, unreadable: pd.DataFrame) -> Dataset:
        masks = self.source.masks or (self.dataset.record.masks if self.dataset else None)
        changed = {"sources": self.sources, "masks": masks, "updated": now()}
        if self.dataset is not None:
            record = self.dataset.record.model_copy(update=changed)
            return Dataset(self.dataset.folder, save_frames(self.dataset.folder, record, table, unreadable))
        blank = {"frames_file": "", "unreadable_file": "", "fingerprint": ""}
        record = DatasetRecord(id=fresh_id(self.name), name=self.name, **blank, **changed)
        folder = self.workspace.datasets_folder / record.id
        with new_folder(folder) as temporary:
            record = save_frames(temporary, record, table, unreadable)
        return Dataset(folder, record)

    def _counts(self, rows: pd.DataFrame, unchanged: set[bytes]) -> tuple[int, int, int, int]:
        """(added, unchanged, returned, vanished) of this source's rows against those before."""
        before = dict(zip(self.mine["frame_id"], self.mine["sha256"], strict=True))
        was_present = set(self.mine.loc[self.mine["present"], "frame_id"])
        present = rows[rows["present"].astype(bool)]
        same = [before.get(one) == sha for one, sha in zip(present["frame_id"], present["sha256"], strict=True)]
        stayed = present.loc[same, "frame_id"]
        unchanged_count = int(stayed.isin(was_present).sum())
        vanished = int(rows["frame_id"].isin(was_present).sum()) - int(present["frame_id"].isin(was_present).sum())
        return len(present) - len(stayed), unchanged_count, len(stayed) - unchanged_count, vanished

"""Making a selection again under other seeds, cluster numbers and vectors, and counting what comes again.

Each repeat is kept as soon as it is made, so that a job that was stopped or killed goes on where it was.
"""

import shutil
import time
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from dataeff_core import __version__
from dataeff_core.errors import BadInput, Stale
from dataeff_core.reporting import Reporter
from dataeff_core.review.stability import (
    CLUSTERS,
    ENCODER,
    KINDS,
    SEED,
    Kind,
    RepeatRecord,
    Stability,
    StabilityRecord,
    stability_folder,
)
from dataeff_core.workspace import Dataset, Embedding, SavedSelection
from dataeff_core.workspace.storage import exclusive, fingerprint, new_folder, write_atomically

MOST_SEEDS = 100
OF_AN_ENCODER = ("eta", "epsilon")  # limits that mean another thing for other vectors
VERSION = 1  # of the counting: raise it when equal repeats give other numbers


@dataclass(frozen=True)
class Repeat:
    """One way of making a selection again."""

    kind: Kind
    name: str  # what is other, for people
    method: str
    params: dict[str, Any]
    seed: int
    keep: float | None
    embedding: str | None


Decide = Callable[[Repeat, Reporter], tuple[np.ndarray, np.ndarray]]
"""Makes a repeat: (n,) bool kept and (n,) bool removed as nearly the same as one that is kept, both in the dataset's
order. Raises BadInput or Stale where it cannot be made."""


def repeats_of(
    saved: SavedSelection,
    *,
    seeds: int = 5,
    factors: Sequence[float] = (0.5, 2.0),
    embeddings: Sequence[Embedding] = (),
    by_chance: bool = True,
) -> tuple[Repeat, ...]:
    """The repeats to make: `seeds` other starting numbers, for a method that decides `by_chance`; where it has
    clusters, `factors` times as many; and each of the `embeddings` that is another than the selection's own.

    Under other vectors a limit of likeness means another thing, so there as many frames are kept as the selection
    keeps, without its limits. Raises BadInput for numbers that cannot be, and where nothing is left to repeat.
    """
    check_asked(seeds, factors)
    record = saved.record
    same = {"method": record.method, "params": record.params, "seed": record.seed, "keep": record.keep}
    found = [
        Repeat(SEED, str(seed), **same | {"seed": seed, "embedding": record.embedding})  # type: ignore[arg-type]
        for seed in ((record.seed + 1 + number) % 2**31 for number in range(seeds if by_chance else 0))
    ]
    for k in _cluster_numbers(record.params.get("k"), factors, record.frames):
        changed = same | {"params": record.params | {"k": k}, "embedding": record.embedding}
        found.append(Repeat(CLUSTERS, str(k), **changed))  # type: ignore[arg-type]
    if record.embedding is not None:
        kept = int((saved.machine["decision"] == "kept").sum())
        params = {name: value for name, value in record.params.items() if name not in OF_AN_ENCODER}
        for one in embeddings:
            if one.id != record.embedding and kept:
                changed = same | {"params": params, "keep": kept / record.frames, "embedding": one.id}
                found.append(Repeat(ENCODER, one.record.encoder, **changed))  # type: ignore[arg-type]
    if not found and not by_chance:
        raise BadInput(
            f"method {record.method!r} leaves nothing to chance, so selection {saved.id} comes out the same whenever "
            "it is made of the same frames and scores; there is nothing to repeat"
        )
    if not found:
        raise BadInput(f"nothing of selection {saved.id} is asked to be other; ask for at least one seed")
    return tuple(found)


def check_asked(seeds: int, factors: Sequence[float]) -> None:
    """Raise BadInput for numbers that cannot be."""
    if not 0 <= seeds <= MOST_SEEDS:
        raise BadInput(f"seeds {seeds} is not in 0..{MOST_SEEDS}; 5 tell most")
    if any(not 0 < factor < 1000 for factor in factors):
        raise BadInput(f"factors {list(factors)} are not all in (0, 1000); 0.5 halves the number of clusters")


def measure(
    dataset: Dataset,
    saved: SavedSelection,
    repeats: Sequence[Repeat],
    decide: Decide,
    *,
    reporter: Reporter | None = None,
) -> Stability:
    """Make the repeats and write how stable the selection is, beside it, complete or not at all. What was measured in
    just this way before is answered as it is.

    Repeats that `decide` cannot make are named in the record. Raises Stale when the dataset has changed since,
    BadInput when no repeat can be made, StorageFailed, Cancelled.
    """
    reporter = reporter or Reporter()
    if saved.record.dataset_fingerprint != dataset.fingerprint:
        raise Stale(f"selection {saved.id} was made before {dataset.record.name} changed; run `select` again")
    plan = fingerprint(VERSION, __version__, saved.id, saved.record.created, [asdict(one) for one in repeats])
    final = stability_folder(saved) / f"stability-{plan[:10]}"
    making = final.with_name(f".making-{plan[:16]}")
    with exclusive(making / ".lock", reporter):
        if not (final / StabilityRecord.FILE).is_file():
            work = _Work(saved, tuple(repeats), decide, making, reporter)
            _write(saved, work, final)
        shutil.rmtree(making, ignore_errors=True)
    return Stability(final, StabilityRecord.read(final))


class _Work:
    """The repeats in the making, each kept in `folder` as it comes."""

    def __init__(
        self, saved: SavedSelection, repeats: tuple[Repeat, ...], decide: Decide, folder: Path, reporter: Reporter
    ) -> None:
        self.repeats, self.decide, self.folder, self.reporter = repeats, decide, folder, reporter
        self.n = len(saved.machine)
        self.began = time.monotonic()
        self.made: list[tuple[Repeat, np.ndarray, np.ndarray]] = []
        self.left_out: list[str] = []

    def run(self) -> None:
        """Raises BadInput when none can be made."""
        files = [self.folder / f"repeat-{number:03d}.npz" for number in range(len(self.repeats))]
        known = [self._read(file) for file in files]
        self.reporter.phase("making the selection again", len(files), done=sum(one is not None for one in known))
        for repeat, file, before in zip(self.repeats, files, known, strict=True):
            try:
                kept, standing = before or self._make(repeat, file)
            except (BadInput, Stale) as error:
                self.left_out.append(f"{repeat.kind} {repeat.name}: {error}")
                self.reporter.log(self.left_out[-1])
            else:
                self.made.append((repeat, kept, standing))
            if before is None:
                self.reporter.advance()
        if not self.made:
            raise BadInput(f"the selection cannot be made again: {self.left_out[0]}")

    def _make(self, repeat: Repeat, file: Path) -> tuple[np.ndarray, np.ndarray]:
        kept, standing = self.decide(repeat, _Silent(self.reporter))
        bits = {"kept": np.packbits(kept), "standing": np.packbits(standing)}
        write_atomically(file, lambda stream: np.savez(stream, allow_pickle=False, **bits))
        return kept, standing

    def _read(self, file: Path) -> tuple[np.ndarray, np.ndarray] | None:
        """What an earlier attempt made; a damaged file counts as none."""
        try:
            with file.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
                kept, standing = (np.unpackbits(arrays[name], count=self.n) for name in ("kept", "standing"))
                return kept.astype(bool), standing.astype(bool)
        except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile):
            return None


class _Silent(Reporter):
    """Shows nothing of what a repeat does, and stops it when the whole is to stop."""

    def __init__(self, outer: Reporter) -> None:
        super().__init__()
        self.outer = outer

    def stop_asked(self) -> bool:
        return self.outer.stop_asked()


def _write(saved: SavedSelection, work: _Work, final: Path) -> None:
    work.run()
    machine = saved.machine
    own = (machine["decision"] == "kept").to_numpy(bool)
    eligible = (machine["reason"] != "invalid").to_numpy(bool)
    stays = np.mean([kept for _, kept, _ in work.made], axis=0, dtype=np.float64).astype(np.float32)
    columns: dict[str, Any] = {"frame_id": machine["frame_id"], "stays": stays}
    for kind in KINDS:
        of_kind = [kept for repeat, kept, _ in work.made if repeat.kind == kind]
        columns[f"stays_{kind}"] = np.mean(of_kind, axis=0, dtype=np.float32) if of_kind else np.float32("nan")
    table = pd.DataFrame(columns).astype({f"stays_{kind}": "float32" for kind in KINDS})
    record = StabilityRecord(
        id=final.name,
        selection=saved.id,
        dataset_fingerprint=saved.record.dataset_fingerprint,
        frames=len(own),
        kept=int(own.sum()),
        eligible=int(eligible.sum()),
        runs=tuple(counted(repeat, own, eligible, kept, standing) for repeat, kept, standing in work.made),
        left_out=tuple(work.left_out),
        seldom_kept=int((own & (stays < 0.5)).sum()),
        often_removed=int((~own & (stays >= 0.5)).sum()),
        code_version=__version__,
        seconds=round(time.monotonic() - work.began, 3),
    )
    with new_folder(final) as folder:
        write_atomically(folder / Stability.STAYS, lambda stream: table.to_parquet(stream, index=False))
        record.write(folder)


def counted(
    repeat: Repeat, own: np.ndarray, eligible: np.ndarray, kept: np.ndarray, standing: np.ndarray
) -> RepeatRecord:
    """One repeat beside the selection itself, `own` (n,) bool. Chance: as many frames as the repeat keeps of the
    eligible ones, drawn among these without replacement, hold each of them with the same probability."""
    room = int((eligible | own).sum())
    return RepeatRecord(
        kind=repeat.kind,
        name=repeat.name,
        kept=int(kept.sum()),
        again=int((own & kept).sum()),
        chance=float((kept & (eligible | own)).sum() / room) if room else 1.0,
        standing=int((own & ~kept & standing).sum()) if standing.any() else None,
    )


def _cluster_numbers(k: Any, factors: Sequence[float], frames: int) -> list[int]:
    if not isinstance(k, int):
        return []
    wanted = [min(max(1, round(k * factor)), frames) for factor in factors]
    return [one for one in dict.fromkeys(wanted) if one != k]

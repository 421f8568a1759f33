"""Plants near-duplicates, faults and broken files among real frames, runs the product on them with its defaults, and
prints how true the outcome is, beside PHash on the same frames.

    python -m tests.bench.planted [--frames FOLDER] [--seed S] [--out FOLDER] [--limit N]

What counts, for each original with its copies as one group: a frame removed as a near-duplicate is right when another
member of its group is kept; a second kept member is a miss; the last member of a group removed is wrong. Faults are
left out of this count. Frames that are near-duplicates of each other by nature (`frames.csv` of the real data) are
one group from the start; frames of a video sequence may or may not be alike, so their groups are left out of the
first count and given in a line of their own as if all were distinct.
"""

import argparse
import csv
import os
import shutil
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from tests.bench import planting

ROOT = Path(__file__).resolve().parents[2]
BROKEN = ("empty.jpg", "cut off.jpg", "not an image.jpg", "bad checksum.png")
FAULTS_OF_EACH = 12


@dataclass(frozen=True)
class Planted:
    """One file of the planted set, and the truth about it."""

    name: str
    group: str  # the original it shows; '' for a fault
    kind: str  # 'original', 'copy', or the fault
    sequence: bool = False  # from a video sequence, whose other frames may be alike


@dataclass(frozen=True)
class Score:
    """Counts over groups, and what follows from them."""

    right: int
    missed: int
    wrong: int
    distinct: int  # groups of one frame
    distinct_lost: int
    groups: int  # groups of several
    groups_lost: int

    @property
    def precision(self) -> float:
        return self.right / max(1, self.right + self.wrong)

    @property
    def recall(self) -> float:
        return self.right / max(1, self.right + self.missed)

    @property
    def f1(self) -> float:
        return 2 * self.right / max(1, 2 * self.right + self.missed + self.wrong)


@dataclass(frozen=True)
class Outcome:
    """What the product made of the planted set."""

    scores: dict[str, Score]  # by method
    with_sequences: dict[str, Score]
    auroc: float  # of the invalid score, faults against the rest
    faults: int
    faults_found: int
    clean: int
    clean_called_invalid: int
    broken: int
    broken_named: int
    eta: float
    seconds: float


def default_frames() -> Path:
    """The folder of real frames: $DATAEFF_TEST_DATA/endoscopy/images, else ../shared/data/endoscopy/images."""
    data = os.environ.get("DATAEFF_TEST_DATA")
    return (Path(data) if data else ROOT.parent / "shared" / "data") / "endoscopy" / "images"


def plant(frames: Path, out: Path, *, seed: int = 0, limit: int | None = None) -> list[Planted]:
    """Fill `out` with the frames, copies of half of them (1-6 each), faults and broken files, in shuffled order."""
    rng = np.random.default_rng(seed)
    originals = sorted(path for path in frames.iterdir() if path.suffix.lower() in (".jpg", ".jpeg", ".png"))
    if limit is not None:
        originals = [originals[row] for row in sorted(rng.permutation(len(originals))[:limit])]
    groups, sequences = known_groups(frames.parent / "frames.csv")
    copied = set(rng.permutation(len(originals))[: len(originals) // 2].tolist())
    planted: list[Planted] = []
    out.mkdir(parents=True)

    def add(group: str, kind: str, stem: str) -> Path:
        name = f"{rng.integers(1 << 32):08x}-{len(planted):05d}{'.jpg' if kind != 'original' else path.suffix}"
        planted.append(Planted(name, group, kind, stem in sequences))
        return out / name

    for row, path in enumerate(originals):
        group = groups.get(path.stem, path.stem)
        shutil.copyfile(path, add(group, "original", path.stem))
        for _ in range(int(rng.integers(1, 7)) if row in copied else 0):
            write(planting.near_duplicate(read(path), rng), add(group, "copy", path.stem))
    for fault in planting.FAULTS:
        for row in rng.integers(0, len(originals), FAULTS_OF_EACH if limit is None else max(1, limit // 28)):
            path = originals[row]
            write(fault(read(path), rng), add("", fault.__name__, path.stem))
    plant_broken(originals[0], out)
    return planted


def known_groups(table: Path) -> tuple[dict[str, str], set[str]]:
    """From `frames.csv`, where there is one: stem -> near-duplicate group by nature, and the stems of sequences."""
    if not table.is_file():
        return {}, set()
    with table.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    groups = {row["stem"]: f"alike-{row['computed_neardup_group']}" for row in rows if row["computed_neardup_group"]}
    return groups, {row["stem"] for row in rows if row["sequence_or_patient_prefix"]}


def plant_broken(good: Path, out: Path) -> None:
    """Files that are no pictures: each must be named, and none may stop the rest."""
    (out / BROKEN[0]).write_bytes(b"")
    (out / BROKEN[1]).write_bytes(good.read_bytes()[: good.stat().st_size // 2])
    (out / BROKEN[2]).write_bytes(b"this is a text\n" * 50)
    whole = out / BROKEN[3]
    Image.fromarray(read(good)[:64, :64]).save(whole)
    damaged = bytearray(whole.read_bytes())
    damaged[len(damaged) // 2] ^= 0xFF
    whole.write_bytes(bytes(damaged))


def read(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def write(rgb: np.ndarray, path: Path) -> None:
    Image.fromarray(rgb).save(path, quality=95)


def score(planted: Iterable[Planted], kept: set[str], unusable: set[str] = frozenset()) -> Score:  # type: ignore[assignment]
    """Count what the docstring above says. `kept` and `unusable` (removed for a reason other than likeness) are
    names; unusable frames of a group are neither right nor missed."""
    members: dict[str, list[str]] = defaultdict(list)
    for one in planted:
        if one.group:
            members[one.group].append(one.name)
    counts = defaultdict(int)
    for names in members.values():
        staying, alike = sum(name in kept for name in names), sum(name not in kept | unusable for name in names)
        lost = staying == 0
        counts["right"] += alike - (lost and alike > 0)
        counts["wrong"] += lost
        counts["missed"] += max(0, staying - 1)
        single = len(names) == 1
        counts["distinct"] += single
        counts["distinct_lost"] += single and lost
        counts["groups"] += not single
        counts["groups_lost"] += not single and lost
    fields = ("right", "missed", "wrong", "distinct", "distinct_lost", "groups", "groups_lost")
    return Score(**{name: int(counts[name]) for name in fields})


def run(frames: Path, *, seed: int = 0, out: Path, limit: int | None = None, phash: bool = True) -> Outcome:
    """Plant into `out`/frames, run import, embed, calibrate and select in `out`/workspace, and score."""
    from sklearn.metrics import roc_auc_score

    from dataeff_core.datasets.importing import import_frames
    from dataeff_core.encoders import make
    from dataeff_core.encoders.embedding import embed
    from dataeff_core.selection.meddel import MedDEL
    from dataeff_core.selection.saving import select
    from dataeff_core.workspace import Workspace

    planted = plant(frames, out / "frames", seed=seed, limit=limit)
    workspace = Workspace.open(out / "workspace")
    started = time.monotonic()
    import_frames(workspace, out / "frames", name="planted")
    dataset = workspace.dataset("planted")
    embed(workspace, dataset, make("descriptor"))
    methods = {"descriptor, defaults": MedDEL(), "descriptor, each pair confirmed": MedDEL(confirm=True)}
    table = dataset.frames.set_index("frame_id")
    removals = {}
    for title, selector in methods.items():
        saved = select(workspace, dataset, selector)
        decisions = saved.decisions.assign(name=lambda rows: rows["frame_id"].map(table["path"]))
        kept = set(decisions.loc[decisions["decision"] == "kept", "name"])
        unusable = set(decisions.loc[decisions["reason"].isin(["invalid", "outlier"]), "name"])
        removals[title] = (kept, unusable)
        eta = float(saved.record.params["eta"])
    seconds = time.monotonic() - started
    if phash:
        removals["imagededup PHash, defaults"] = (phash_kept(out / "frames", [one.name for one in planted]), set())
    truth = {one.name: one.kind not in ("original", "copy") for one in planted}
    fault = dataset.frames["path"].map(truth).to_numpy(bool)
    called = dataset.frames["path"].isin(removals["descriptor, defaults"][1]).to_numpy(bool)
    certain = [one for one in planted if not one.sequence]
    return Outcome(
        scores={title: score(certain, *removed) for title, removed in removals.items()},
        with_sequences={title: score(planted, *removed) for title, removed in removals.items()},
        auroc=float(roc_auc_score(fault, dataset.frames["invalid_score"])),
        faults=int(fault.sum()),
        faults_found=int((fault & called).sum()),
        clean=int((~fault).sum()),
        clean_called_invalid=int((~fault & called).sum()),
        broken=len(BROKEN),
        broken_named=sum(name in set(dataset.unreadable["path"]) for name in BROKEN),
        eta=eta,
        seconds=seconds,
    )


def phash_kept(folder: Path, names: list[str]) -> set[str]:
    """The frames that imagededup's perceptual hash keeps at its default threshold."""
    from imagededup.methods import PHash

    hasher = PHash(verbose=False)
    encodings = {name: hasher.encode_image(image_file=folder / name) for name in names}
    return set(names) - set(hasher.find_duplicates_to_remove(encoding_map=encodings))


def table(outcome: Outcome) -> str:
    """The outcome as text."""
    head = f"{'':46}{'precision':>10}{'recall':>8}{'F1':>8}{'distinct lost':>15}{'groups lost':>13}"
    lines = [head]
    for suffix, scores in (("", outcome.scores), (" (+ sequences)", outcome.with_sequences)):
        for title, one in scores.items():
            lost = f"{one.distinct_lost} ({one.distinct_lost / max(1, one.distinct):.1%})"
            lines.append(
                f"{title + suffix:46}{one.precision:10.3f}{one.recall:8.3f}{one.f1:8.3f}{lost:>15}"
                f"{f'{one.groups_lost} of {one.groups}':>13}"
            )
    lines += [
        f"calibrated eta {outcome.eta:.4f}; {outcome.seconds:.0f} s",
        f"invalid score: AUROC {outcome.auroc:.4f}; at the default limit {outcome.faults_found} of {outcome.faults} "
        f"faults found, {outcome.clean_called_invalid} of {outcome.clean} other frames called unusable",
        f"broken files named: {outcome.broken_named} of {outcome.broken}",
    ]
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.planted", description=__doc__.split("\n\n")[0])
    parser.add_argument("--frames", type=Path, default=default_frames(), help="folder of real frames")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--limit", type=int, help="use only so many of the frames")
    parser.add_argument("--out", type=Path, help="where to keep frames and workspace; default: nowhere")
    options = parser.parse_args()
    if not options.frames.is_dir():
        print(f"there are no frames at {options.frames}; give a folder of them with --frames", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as scratch:
        out = options.out or Path(scratch) / "planted"
        print(table(run(options.frames, seed=options.seed, out=out, limit=options.limit)))
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Stability: counts by hand, chance against drawing, a method of chance, one that leaves nothing to it, restarts."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dataeff_core.cli import main
from dataeff_core.errors import BadInput, Cancelled, Stale
from dataeff_core.reporting import Reporter
from dataeff_core.review.repeating import Repeat, counted, measure, repeats_of
from dataeff_core.review.stability import (
    RepeatRecord,
    Stability,
    StabilityRecord,
    stabilities,
    stability_of,
    stays_of,
    stays_words,
)
from dataeff_core.selection import make
from dataeff_core.selection.meddel import MedDEL
from dataeff_core.selection.saving import select
from dataeff_core.suppliers import decided
from dataeff_core.workspace import Dataset, SavedSelection, Workspace


def kept_by(saved: SavedSelection) -> np.ndarray:
    return (saved.machine["decision"] == "kept").to_numpy(bool)


def for_real(workspace: Workspace, dataset: Dataset) -> Any:
    def decide(repeat: Repeat, quiet: Reporter) -> tuple[np.ndarray, np.ndarray]:
        return decided(
            workspace,
            dataset,
            method=repeat.method,
            params=repeat.params,
            seed=repeat.seed,
            keep=repeat.keep,
            embedding=repeat.embedding,
            reporter=quiet,
        )

    return decide


def repeat_of(kind: str = "seed", name: str = "1") -> Repeat:
    return Repeat(kind, name, "random", {}, 1, None, None)  # type: ignore[arg-type]


def test_counts_by_hand() -> None:
    own = np.array([1, 1, 1, 0, 0, 0, 0, 0], bool)
    kept = np.array([1, 0, 0, 1, 0, 0, 0, 0], bool)
    standing = np.array([0, 1, 0, 0, 1, 0, 0, 0], bool)
    eligible = np.array([1, 1, 1, 1, 1, 0, 0, 0], bool)
    found = counted(repeat_of(), own, eligible, kept, standing)
    assert (found.kept, found.again, found.standing) == (2, 1, 1)
    assert found.chance == pytest.approx(2 / 5)  # two drawn among the five that are not unusable
    assert counted(repeat_of(), own, eligible, kept, np.zeros(8, bool)).standing is None


def test_chance_is_what_drawing_gives() -> None:
    rng = np.random.default_rng(0)
    own, eligible = rng.random(400) < 0.2, np.ones(400, bool)
    drawn = [np.isin(np.arange(400), rng.choice(400, 100, replace=False)) for _ in range(500)]
    chance = counted(repeat_of(), own, eligible, drawn[0], np.zeros(400, bool)).chance
    assert np.mean([(own & one).sum() / own.sum() for one in drawn]) == pytest.approx(chance, abs=0.01)


def test_a_choice_by_chance_is_called_luck(workspace: Workspace, dataset: Dataset) -> None:
    saved = select(workspace, dataset, make("random", {}), keep=0.5)
    found = measure(dataset, saved, repeats_of(saved, seeds=20), for_real(workspace, dataset))
    (one,) = found.agreements
    assert one.chance == pytest.approx(0.5)
    assert abs(one.beyond) < 0.2
    assert found.luck
    assert found.verdict == "Which frames are kept is mostly luck."
    assert "a choice by chance would keep 50% of them" in one.sentence
    assert found.stays.mean() == pytest.approx(0.5)


def test_a_method_without_chance_is_steady(workspace: Workspace, dataset: Dataset) -> None:
    saved = select(workspace, dataset, make("every_nth", {"n": "4"}))
    found = measure(dataset, saved, repeats_of(saved, seeds=2), for_real(workspace, dataset))
    assert np.array_equal(found.stays, kept_by(saved).astype(np.float32))
    assert found.agreements[0].beyond == 1
    assert found.verdict.startswith("The choice of frames is steady")
    assert (found.record.seldom_kept, found.record.often_removed) == (0, 0)


def test_the_same_seed_and_clusters_are_the_same_selection(
    workspace: Workspace, dataset: Dataset, saved: SavedSelection
) -> None:
    record = saved.record
    same = Repeat("seed", "same", record.method, record.params, record.seed, record.keep, record.embedding)
    found = measure(dataset, saved, [same], for_real(workspace, dataset))
    assert np.array_equal(found.stays, kept_by(saved).astype(np.float32))
    assert found.record.runs[0].again == record.kept


def test_what_is_repeated(saved: SavedSelection, workspace: Workspace, dataset: Dataset) -> None:
    own = workspace.embedding(dataset)
    other = type(own)(own.folder, own.record.model_copy(update={"id": "other", "encoder": "timm:x"}))
    found = repeats_of(saved, seeds=2, embeddings=[own, other])
    assert [(one.kind, one.name) for one in found] == [
        ("seed", "1"),
        ("seed", "2"),
        ("clusters", "2"),
        ("clusters", "6"),
        ("encoder", "timm:x"),
    ]
    assert [one.params["k"] for one in found] == [3, 3, 2, 6, 3]
    assert {"eta", "epsilon"}.isdisjoint(found[-1].params)
    assert round(found[-1].keep * 60) == saved.record.kept
    assert [one.embedding for one in found] == [own.id] * 4 + ["other"]


def test_other_vectors_decide_anew_and_keep_as_many(
    workspace: Workspace, dataset: Dataset, saved: SavedSelection
) -> None:
    own = workspace.embedding(dataset, saved.record.embedding or "")
    folder = own.folder.with_name("toy-000001")
    shutil.copytree(own.folder, folder)
    shuffled = np.random.default_rng(0).permutation(np.asarray(own.vectors))
    np.save(folder / own.VECTORS, shuffled)
    own.record.model_copy(update={"id": folder.name, "encoder": "timm:toy"}).write(folder)
    root = ["--workspace", str(workspace.root)]
    assert main(["stability", saved.id, "--seeds", "0", "--clusters", "none", *root]) == 0
    found = stability_of(saved)
    assert found is not None
    assert [(one.kind, one.name, one.kept) for one in found.record.runs] == [("encoder", "timm:toy", 12)]
    kept, _ = decided(
        workspace,
        dataset,
        method="meddel",
        params=MedDEL(k=3).model_dump(),
        seed=0,
        keep=0.2,
        embedding="toy-000001",
    )
    assert np.array_equal(found.stays, kept.astype(np.float32))
    assert found.record.runs[0].again == int((kept & kept_by(saved)).sum())


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"seeds": -1}, "seeds -1 is not in 0..100"),
        ({"seeds": 101}, "not in 0..100"),
        ({"factors": (0.0,)}, "not all in"),
        ({"factors": (float("nan"),)}, "not all in"),
        ({"seeds": 0, "factors": ()}, "nothing of selection"),
        ({"seeds": 0, "factors": (1.0,)}, "nothing of selection"),
    ],
)
def test_what_cannot_be_repeated(saved: SavedSelection, asked: dict[str, Any], sentence: str) -> None:
    with pytest.raises(BadInput, match=sentence):
        repeats_of(saved, **asked)


def test_a_stopped_measurement_goes_on(workspace: Workspace, dataset: Dataset, saved: SavedSelection) -> None:
    repeats, made = repeats_of(saved, seeds=3, factors=()), []
    decide = for_real(workspace, dataset)

    class Stopped(Reporter):
        def stop_asked(self) -> bool:
            return len(made) == 2

    def noted(repeat: Repeat, quiet: Reporter) -> tuple[np.ndarray, np.ndarray]:
        found = decide(repeat, Reporter())
        made.append(repeat.name)
        return found

    with pytest.raises(Cancelled):
        measure(dataset, saved, repeats, noted, reporter=Stopped())
    assert stabilities(saved) == []
    (damaged,) = saved.folder.glob("stability/.making-*/repeat-000.npz")
    damaged.write_bytes(damaged.read_bytes()[:40])
    found = measure(dataset, saved, repeats, noted)
    assert made == ["1", "2", "1", "3"]
    assert list(found.folder.parent.glob(".*")) == []
    assert measure(dataset, saved, repeats, noted).id == found.id
    assert len(made) == 4  # nothing is made twice
    assert np.array_equal(found.stays, measured_anew(dataset, saved, repeats, decide))


def measured_anew(dataset: Dataset, saved: SavedSelection, repeats: Any, decide: Any) -> np.ndarray:
    return np.mean([decide(one, Reporter())[0] for one in repeats], axis=0).astype(np.float32)


def test_a_repeat_that_cannot_be_made_is_named(workspace: Workspace, dataset: Dataset, saved: SavedSelection) -> None:
    decide = for_real(workspace, dataset)

    def some(repeat: Repeat, quiet: Reporter) -> tuple[np.ndarray, np.ndarray]:
        if repeat.kind == "clusters":
            raise BadInput("too few frames")
        return decide(repeat, quiet)

    found = measure(dataset, saved, repeats_of(saved, seeds=1), some)
    assert found.record.left_out == ("clusters 2: too few frames", "clusters 6: too few frames")
    assert np.isnan(found.table["stays_clusters"]).all()
    with pytest.raises(BadInput, match="cannot be made again: clusters 2: too few"):
        measure(dataset, saved, repeats_of(saved, seeds=0), some)
    assert len(stabilities(saved)) == 1


def test_a_changed_dataset_is_refused(workspace: Workspace, dataset: Dataset, saved: SavedSelection) -> None:
    changed = Dataset(dataset.folder, dataset.record.model_copy(update={"fingerprint": "other"}))
    with pytest.raises(Stale, match="before fabricated changed"):
        measure(changed, saved, repeats_of(saved), for_real(workspace, dataset))


def stability(*runs: tuple[str, int, float, int | None], kept: int = 100) -> Stability:
    repeats = tuple(
        RepeatRecord(kind=kind, name=str(at), kept=kept, again=again, chance=chance, standing=standing)  # type: ignore[arg-type]
        for at, (kind, again, chance, standing) in enumerate(runs)
    )
    record = StabilityRecord(
        id="s",
        selection="x",
        dataset_fingerprint="",
        frames=500,
        kept=kept,
        eligible=500,
        runs=repeats,
        seldom_kept=0,
        often_removed=0,
        code_version="",
        seconds=0,
    )
    return Stability(Path("nowhere"), record)


def test_verdicts_by_hand() -> None:
    assert "steady" in stability(("seed", 90, 0.2, None)).verdict
    assert "partly a matter of chance" in stability(("seed", 70, 0.2, None), ("clusters", 95, 0.2, None)).verdict
    assert stability(("seed", 40, 0.2, None)).verdict == "Which frames are kept is mostly luck."
    assert "other frames of them" in stability(("seed", 40, 0.2, 59)).verdict
    assert stability(("seed", 90, 0.2, None), ("encoder", 30, 0.2, None)).verdict == (
        "Which frames are kept hangs mostly on how frames are compared."
    )
    assert stability(("seed", 100, 1.0, None)).verdict.startswith("Nothing can be said")
    assert stability(("seed", 0, 0.0, None), kept=0).verdict.startswith("Nothing can be said")
    (one,) = stability(("seed", 60, 0.2, 30), ("seed", 40, 0.2, 30)).agreements
    assert (one.again, one.standing, one.beyond) == (pytest.approx(0.5), pytest.approx(0.6), pytest.approx(0.375))
    assert one.sentence == (
        "Made again 2 times with other starting numbers, 50% of the kept frames are kept again and 60% of the others "
        "have nearly the same frame kept instead; a choice by chance would keep 20% of them."
    )


def test_one_frame_in_words() -> None:
    assert stays_words(0.0, 8) == "kept in 0 of 8 repeats"
    assert stays_words(np.float32(3 / 7), 7) == "kept in 3 of 7 repeats"
    assert stays_words(1.0, 1) == "kept in 1 of 1 repeats"


def test_the_verb(workspace: Workspace, saved: SavedSelection, capsys: pytest.CaptureFixture[str]) -> None:
    root = ["--workspace", str(workspace.root)]
    assert stays_of(saved) is None
    assert main(["stability", "latest", "--seeds", "2", "--json", *root]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [(one["kind"], one["repeats"]) for one in told["agreements"]] == [
        ("seed", ["1", "2"]),
        ("clusters", ["2", "6"]),
    ]
    assert told["stability"] == stability_of(saved).id
    assert len(stays_of(saved)) == 60
    assert main(["stability", "latest", "--seeds", "2", *root]) == 0
    assert told["verdict"] in capsys.readouterr().out
    for words, sentence in (
        (["--seeds", "-2"], "seeds -2"),
        (["--clusters", "a"], "is not numbers"),
        (["--clusters", "none", "--seeds", "0", "--encoders", "none"], "nothing of selection"),
        (["--encoders", "nonsense"], "no encoder is called 'nonsense'"),
    ):
        assert main(["stability", "latest", *words, *root]) == 2
        assert sentence in capsys.readouterr().err

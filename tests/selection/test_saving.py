"""Selections in a workspace: saved whole or not at all, explained, compared, made again."""

import json
import os
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dataeff_core.cli import main
from dataeff_core.errors import BadInput, NotFound, Stale, StorageFailed
from dataeff_core.selection import make
from dataeff_core.selection.base import REASONS
from dataeff_core.selection.comparing import Comparison, compare
from dataeff_core.selection.explaining import clock, explain, sentence
from dataeff_core.selection.meddel import MedDEL
from dataeff_core.selection.saving import load_or_score, pool_of, select, select_again
from dataeff_core.suppliers import Suppliers
from dataeff_core.workspace import Dataset, Embedding, SavedSelection, Workspace
from dataeff_core.workspace.datasets import save_frames
from dataeff_core.workspace.selections import DECISION_COLUMNS
from tests.fabrication import fabricate

Made = tuple[Workspace, Dataset, Embedding]


@pytest.fixture
def made(tmp_path: Path) -> Made:
    return fabricate(tmp_path / "w", frames=90, thumbnails=False)[:3]


def grown(workspace: Workspace, dataset: Dataset) -> Dataset:
    """The same dataset after another import found one frame less."""
    frames = dataset.all_frames.copy()
    frames.loc[0, "present"] = False
    save_frames(dataset.folder, dataset.record, frames, dataset.unreadable)
    return workspace.dataset(dataset.id)


def test_a_selection_is_saved_with_recipe_decisions_and_scores(made: Made) -> None:
    workspace, dataset, embedding = made
    saved = select(workspace, dataset, MedDEL(eta=0.9, epsilon=0.8), seed=2, name="mine")
    read = workspace.selection("mine")
    assert read.record == saved.record
    record, decisions = read.record, read.decisions
    assert (record.method, record.seed, record.keep, record.name) == ("meddel", 2, None, "mine")
    assert (record.embedding, record.encoder, record.weights) == (embedding.id, "descriptor", "none")
    assert record.dataset_fingerprint == dataset.fingerprint
    assert None not in record.params.values()
    assert decisions.dtypes.astype(str).to_dict().keys() == DECISION_COLUMNS.keys()
    assert decisions["frame_id"].tolist() == dataset.frames["frame_id"].tolist()
    assert record.kept == (decisions["decision"] == "kept").sum()
    assert record.dropped == decisions.loc[decisions["decision"] == "dropped", "reason"].value_counts().to_dict()
    kept_ids = set(decisions.loc[decisions["decision"] == "kept", "frame_id"])
    assert set(decisions["representative_id"].dropna()) <= kept_ids
    assert decisions[["override", "reviewer", "reviewed_at"]].isna().all(axis=None)
    assert read.scores is not None
    assert list(read.scores) == ["frame_id", "insertion_similarity", "cluster", "invalid_score"]
    assert not [path for path in read.folder.parent.iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize(
    ("method", "params", "keep"),
    [("meddel", {"eta": "0.93"}, None), ("meddel", {}, 0.3), ("random", {}, None), ("every_nth", {"n": "3"}, 0.2)],
)
def test_the_recipe_alone_makes_it_again(made: Made, method: str, params: dict[str, str], keep: float | None) -> None:
    workspace, dataset, _ = made
    saved = select(workspace, dataset, make(method, params), keep=keep, seed=5)
    clusterings = dataset.folder / "clusterings"
    assert clusterings.is_dir() == (method == "meddel")
    pd.testing.assert_frame_equal(select_again(workspace, saved), saved.decisions)


def test_an_eta_that_is_missing_is_measured_once(made: Made) -> None:
    workspace, dataset, _ = made
    known: list[float] = []
    suppliers = Suppliers(
        calibrated_eta=lambda embedding: known[-1] if known else None,
        calibrate=lambda workspace, dataset, embedding, reporter: known.append(0.91),
    )
    first, second = (select(workspace, dataset, MedDEL(), suppliers=suppliers) for _ in range(2))
    assert known == [0.91]
    assert first.record.params["eta"] == second.record.params["eta"] == 0.91
    assert "measured on this dataset" in first.record.notes["eta"]
    with pytest.raises(BadInput, match="calibrate"):
        select(workspace, dataset, MedDEL(), suppliers=replace(suppliers, calibrated_eta=None, calibrate=None))


def test_scores_are_read_where_they_were_kept(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace, dataset, embedding = made
    first = load_or_score(workspace, dataset, embedding, MedDEL())
    monkeypatch.setattr("dataeff_core.selection.kmeans.fit", None)
    monkeypatch.setattr("dataeff_core.selection.rules.traverse", None)
    again = load_or_score(workspace, dataset, embedding, MedDEL())
    np.testing.assert_array_equal(again.insertion_similarity, first.insertion_similarity)
    assert (again.k, again.epsilon, again.invalid) == (first.k, first.epsilon, first.invalid)


def test_damaged_scores_are_made_again(made: Made) -> None:
    workspace, dataset, embedding = made
    first = load_or_score(workspace, dataset, embedding, MedDEL())
    for number, path in enumerate((dataset.folder / "clusterings").rglob("*.npz")):
        path.write_bytes(path.read_bytes()[: 40 * number])
    again = load_or_score(workspace, dataset, embedding, MedDEL())
    np.testing.assert_array_equal(again.insertion_similarity, first.insertion_similarity)


def test_vectors_are_joined_by_id_and_stay_on_disk(made: Made) -> None:
    workspace, dataset, embedding = made
    assert isinstance(pool_of(workspace, dataset, embedding).vectors, np.memmap)
    order = np.random.default_rng(0).permutation(90)
    shuffled = Embedding(embedding.folder, embedding.record)
    shuffled.__dict__["vectors"] = embedding.vectors[order]
    shuffled.__dict__["frame_ids"] = embedding.frame_ids[order]
    np.testing.assert_array_equal(pool_of(workspace, dataset, shuffled).vectors, embedding.vectors)


def test_changed_datasets_are_refused(made: Made) -> None:
    workspace, dataset, _ = made
    saved = select(workspace, dataset, MedDEL(eta=0.9))
    changed = grown(workspace, dataset)
    with pytest.raises(Stale, match="embed"):
        select(workspace, changed, MedDEL(eta=0.9))
    with pytest.raises(Stale, match="select"):
        select_again(workspace, saved)
    baseline = select(workspace, changed, make("random", {}))
    with pytest.raises(Stale, match=f"make {saved.id} again"):
        compare(baseline, saved)


def test_an_embedding_that_is_not_there_is_an_error(made: Made) -> None:
    workspace, dataset, _ = made
    with pytest.raises(NotFound):
        select(workspace, dataset, MedDEL(eta=0.9), encoder="timm:none")


def test_a_full_disk_leaves_nothing_half_written(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace, dataset, _ = made

    def full(self: pd.DataFrame, stream: object, **options: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pd.DataFrame, "to_parquet", full)
    with pytest.raises(StorageFailed, match="disk is full"):
        select(workspace, dataset, make("random", {}))
    assert list((dataset.folder / "selections").iterdir()) == []
    assert workspace.selections(dataset) == []


# Explaining


def test_every_frame_is_explained_by_its_numbers(made: Made) -> None:
    workspace, dataset, _ = made
    saved = select(workspace, dataset, MedDEL(eta=0.95, epsilon=0.7, invalid=0.5))
    assert set(saved.record.dropped) == {"duplicate", "outlier", "invalid"}
    for row in saved.decisions.itertuples():
        found = explain(workspace, saved, str(row.frame_id))
        assert (found.frame_id, found.decision, found.reason) == (row.frame_id, row.decision, row.reason)
        assert found.threshold is not None and found.score is not None
        assert (found.score > found.threshold) == (found.decision == "dropped")
        assert found.sentence.startswith("Kept" if found.decision == "kept" else "Removed")
        assert re.fullmatch(r".+\.", found.sentence)
        if found.reason == "duplicate":
            path = dataset.frame(str(found.representative_id))["path"]
            assert found.sentence == f"Removed: nearly the same as the frame {path}, which is kept."


def test_explain_takes_paths_and_refuses_what_is_not_there(made: Made) -> None:
    workspace, dataset, _ = made
    saved = select(workspace, dataset, make("random", {}))
    frame = dataset.frames.iloc[3]
    assert explain(workspace, saved, frame["path"]) == explain(workspace, saved, frame["frame_id"])
    for wanted in ("", "nothing", "../../etc/passwd"):
        with pytest.raises(NotFound):
            explain(workspace, saved, wanted)


def test_a_frame_whose_representative_has_vanished_is_still_explained(made: Made) -> None:
    workspace, dataset, _ = made
    saved = select(workspace, dataset, MedDEL(eta=0.5, invalid=1.0))
    dropped = saved.decisions[saved.decisions["representative_id"] == dataset.frames["frame_id"][0]]
    first = saved.decisions.dropna(subset="representative_id").iloc[0]
    frames = dataset.all_frames.copy()
    frames.loc[frames["frame_id"] == first["representative_id"], "present"] = False
    save_frames(dataset.folder, dataset.record, frames, dataset.unreadable)
    found = explain(workspace, saved, first["frame_id"])
    assert found.representative_id == first["representative_id"]
    assert found.sentence == "Removed: nearly the same as another frame."
    assert dropped is not None


def frame(**changes: object) -> pd.Series:
    return pd.Series({"kind": "video", "source": 0, "path": "a.mp4", "time_s": 82.44, "frame_index": 5} | changes)


@pytest.mark.parametrize(
    ("reason", "more", "expected"),
    [
        (
            "duplicate",
            {"standing": frame(), "similarity": 0.97, "threshold": 0.9},
            "Removed: nearly the same as the frame at 01:22.4 of this video, which is kept.",
        ),
        (
            "duplicate",
            {"standing": frame(path="b.mp4"), "similarity": 0.97, "threshold": 0.9},
            "Removed: nearly the same as the frame at 01:22.4 of b.mp4, which is kept.",
        ),
        (
            "duplicate",
            {"standing": frame(time_s=float("nan")), "similarity": 0.97, "threshold": 0.9},
            "Removed: nearly the same as frame 5 of this video, which is kept.",
        ),
        (
            "duplicate",
            {"standing": frame(), "similarity": 0.8, "threshold": 0.9},
            "Removed: nearly the same as a frame that was removed itself; of those kept, the frame at 01:22.4 of "
            "this video is most like it.",
        ),
        ("outlier", {}, "Removed as unusual: it is unlike all frames of its kind."),
        (
            "invalid",
            {"fault": "much blurrier than the rest"},
            "Removed as unusable: much blurrier than the rest.",
        ),
        ("invalid", {}, "Removed as unusable: its picture quality stands out from the rest."),
        ("budget", {}, "Removed for the number of frames asked for: others were chosen."),
        ("kept", {"threshold": 0.9}, "Kept: no kept frame is more similar than the limit."),
        ("kept", {}, "Kept: it is one of the frames chosen."),
        ("pinned", {}, "Decided otherwise: pinned."),
    ],
)
def test_sentences(reason: str, more: dict, expected: str) -> None:
    assert sentence(reason, frame(time_s=1.0), **more) == expected


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "00:00.0"), (82.44, "01:22.4"), (59.96, "01:00.0"), (3661.25, "1:01:01.2"), (-0.5, "-00:00.5")],
)
def test_clock(seconds: float, text: str) -> None:
    assert clock(seconds) == text


def test_every_reason_has_a_sentence_of_its_own() -> None:
    assert len({sentence(reason, frame()) for reason in REASONS}) == len(REASONS)


# Comparing


def test_comparison_counts() -> None:
    found = Comparison(
        np.array(list("abcde"), object),
        np.array([True, True, True, False, False]),
        np.array([True, False, False, True, False]),
    )
    assert (found.both, found.only_a, found.only_b, found.neither, found.jaccard) == (1, 2, 1, 1, 0.25)
    assert found.codes.tolist() == [0, 1, 1, 2, 3]
    nothing = Comparison(np.array(["a"], object), np.array([False]), np.array([False]))
    assert nothing.jaccard == 1


def test_selections_compare_by_frame_id_whatever_their_order(made: Made) -> None:
    workspace, dataset, _ = made
    a, b = select(workspace, dataset, make("random", {})), select(workspace, dataset, make("random", {}), seed=1)
    shuffled = SavedSelection(b.folder, b.record)
    shuffled.__dict__["decisions"] = b.decisions.sample(frac=1, random_state=0)
    one, other, swapped = compare(a, b), compare(a, shuffled), compare(b, a)
    np.testing.assert_array_equal(one.kept_b, other.kept_b)
    assert (one.only_a, one.only_b, one.jaccard) == (swapped.only_b, swapped.only_a, swapped.jaccard)
    assert one.both + one.only_a == a.record.kept
    assert compare(a, a).jaccard == 1


def test_selections_of_two_datasets_are_not_compared(made: Made, tmp_path: Path) -> None:
    workspace, dataset, _ = made
    other_workspace, other, _, _ = fabricate(tmp_path / "other", frames=20, thumbnails=False, name="other")
    a = select(workspace, dataset, make("random", {}))
    b = select(other_workspace, other, make("random", {}))
    b = SavedSelection(b.folder, b.record.model_copy(update={"dataset": "other"}))
    with pytest.raises(Stale, match="two of one"):
        compare(a, b)


# The verbs


def verb(capsys: pytest.CaptureFixture[str], workspace: Workspace, *arguments: str) -> tuple[int, dict, str]:
    code = main([*arguments, "--workspace", os.fspath(workspace.root), "--json"])
    told = capsys.readouterr()
    return code, json.loads(told.out), told.err


def test_select_explain_compare_from_the_shell(made: Made, capsys: pytest.CaptureFixture[str]) -> None:
    workspace, dataset, _ = made
    code, one, _ = verb(capsys, workspace, "select", dataset.id, "--set", "eta=0.9", "--set", "k=2", "--seed", "3")
    assert code == 0
    assert {"selection", "method", "params", "frames", "kept", "dropped", "retained", "seconds"} <= set(one)
    assert (one["frames"], one["params"]["eta"], one["params"]["k"]) == (90, 0.9, 2)
    code, two, _ = verb(capsys, workspace, "select", dataset.id, "--method", "random", "--keep", "0.5")
    assert (code, two["kept"]) == (0, 45)
    frame_id = dataset.frames["frame_id"][7]
    code, said, _ = verb(capsys, workspace, "explain", one["selection"], frame_id)
    wanted = {
        "frame_id",
        "decision",
        "reason",
        "representative_id",
        "similarity",
        "distance",
        "threshold",
        "sentence",
    }
    assert code == 0 and wanted <= set(said)
    code, found, _ = verb(capsys, workspace, "compare", one["selection"], two["selection"])
    assert code == 0 and {"both", "only_a", "only_b", "neither", "jaccard"} <= set(found)
    assert sum(found[name] for name in ("both", "only_a", "only_b", "neither")) == 90


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--set", "eta"], "not key=value"),
        (["--set", "eta=0.9", "--set", "eta=0.8"], "twice"),
        (["--set", "eta=2"], r"eta=2 is not in \[-1, 1\]"),
        (["--set", "colour=red"], "it has eta, epsilon"),
        (["--method", "random", "--keep", "0"], r"keep 0 is not in \(0, 1\]"),
        (["--method", "best"], "choose from"),
        (["--set", "eta=0.9", "--encoder", "resnet"], "resnet"),
        (["--set", "eta=0.9", "--seed", "-1"], "seed -1"),
    ],
)
def test_what_cannot_be_selected_is_one_line(
    made: Made, capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    workspace, dataset, _ = made
    code, _, told = verb(capsys, workspace, "select", dataset.id, *arguments)
    assert code == 2
    assert re.search(words, told) and "Traceback" not in told
    assert workspace.selections(dataset) == []


def test_human_words_of_the_verbs(made: Made, capsys: pytest.CaptureFixture[str]) -> None:
    workspace, dataset, _ = made
    root = os.fspath(workspace.root)
    assert main(["select", dataset.id, "--set", "eta=0.9", "--workspace", root]) == 0
    assert "of 90 frames kept" in capsys.readouterr().out
    assert main(["explain", "latest", dataset.frames["frame_id"][0], "--workspace", root]) == 0
    assert main(["compare", "latest", "latest", "--workspace", root]) == 0
    assert "Jaccard index 1.000" in capsys.readouterr().out


def test_help_lists_every_parameter_with_bounds_and_unit(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["select", "--help"])
    told = " ".join(capsys.readouterr().out.split())
    for name in MedDEL.model_fields:
        assert f" {name} " in told
    assert "[0, 2]; cosine distance" in told
    assert "default cover; cover | semdedup | leader | pairwise" in told

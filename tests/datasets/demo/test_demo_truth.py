from pathlib import Path

import pandas as pd
import pytest

from dataeff_core.datasets.demo import read_truth, score_against_truth
from dataeff_core.errors import BadInput, NotFound

ROWS = [  # video, frame, fault, view, polyps
    ("a", 0, "", "a1", ""),
    ("a", 1, "", "a1", "p1"),
    ("a", 2, "black", "", ""),
    ("a", 3, "", "a2", "p1;p2"),
    ("a", 4, "defocus", "", "p3"),
    ("b", 0, "", "b1", "p3"),
    ("b", 1, "", "b1", ""),
]


@pytest.fixture
def table() -> pd.DataFrame:
    return pd.DataFrame(ROWS, columns=["video", "frame_index", "fault", "near_duplicate_group", "polyps"])


def kept(*frames: tuple[str, int]) -> pd.DataFrame:
    return pd.DataFrame(list(frames), columns=["video", "frame_index"])


def test_score_by_hand(table: pd.DataFrame) -> None:
    score = score_against_truth(table, kept(("a", 0), ("a", 1), ("a", 4), ("b", 1)))
    assert score == {
        "frames": 7,
        "kept": 4,
        "faults": 2,
        "faults_removed": 1,
        "fault_recall": 0.5,
        "views": 3,
        "views_lost": ["a2"],
        "redundancy": 1.5,
        "polyps": 3,
        "polyps_lost": ["p2", "p3"],
    }


def test_everything_and_nothing(table: pd.DataFrame) -> None:
    everything = score_against_truth(table, table[["video", "frame_index"]])
    assert everything["fault_recall"] == 0
    assert everything["views_lost"] == everything["polyps_lost"] == []
    assert everything["redundancy"] == pytest.approx(5 / 3)
    nothing = score_against_truth(table, kept())
    assert nothing["fault_recall"] == 1
    assert nothing["views_lost"] == ["a1", "a2", "b1"]
    assert nothing["polyps_lost"] == ["p1", "p2", "p3"]
    assert nothing["redundancy"] == 0


def test_the_order_of_kept_frames_does_not_matter(table: pd.DataFrame) -> None:
    frames = [("b", 0), ("a", 3), ("a", 2)]
    assert score_against_truth(table, kept(*frames)) == score_against_truth(table, kept(*reversed(frames)))


def test_no_faults_is_full_recall(table: pd.DataFrame) -> None:
    assert score_against_truth(table[table["fault"] == ""], kept(("a", 0)))["fault_recall"] == 1


def test_wrong_kept_tables_are_named(table: pd.DataFrame) -> None:
    with pytest.raises(BadInput, match="frame 9 of a is not in the truth"):
        score_against_truth(table, kept(("a", 9)))
    with pytest.raises(BadInput, match="frame 0 of a is listed twice"):
        score_against_truth(table, kept(("a", 0), ("a", 0)))
    with pytest.raises(BadInput, match="no column frame_index"):
        score_against_truth(table, pd.DataFrame({"video": ["a"]}))


def test_one_frame_of_each_view_is_a_perfect_score(truth: pd.DataFrame) -> None:
    clean = truth[truth["fault"] == ""]
    score = score_against_truth(truth, clean.drop_duplicates("near_duplicate_group"))
    assert score["fault_recall"] == 1
    assert score["views_lost"] == []
    assert score["redundancy"] == 1


def test_truth_that_is_not_there_or_not_truth(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no truth table"):
        read_truth(tmp_path / "truth.csv")
    (tmp_path / "truth.csv").write_text("a,b\n1,2\n")
    with pytest.raises(BadInput, match="lacks the column video"):
        read_truth(tmp_path / "truth.csv")

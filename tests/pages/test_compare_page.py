"""The Compare page: numbers agree with `compare`, tables and map say the same, frames keep their reason."""

from collections.abc import Callable

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from dataeff_core import jobs
from dataeff_core.selection.comparing import compare
from dataeff_core.ui import comparison, selections
from dataeff_core.workspace import Workspace
from tests.pages.conftest import texts

Open = Callable[..., AppTest]


def test_the_counts_are_those_of_compare(filled: Workspace, open_page: Open) -> None:
    app = open_page("compare")
    second, first = selections.newest_first(filled, filled.datasets()[0])
    told = {one.label: one.value for one in app.metric}
    found = compare(first, second)
    assert told["Both keep"] == str(found.both)
    assert told["Only A keeps"] == str(found.only_a)
    assert told["Only B keeps"] == str(found.only_b)
    assert told["Neither keeps"] == str(found.neither)
    assert told["Agreement"] == f"{found.jaccard:.3f}"


def test_the_same_selection_twice_is_one_sentence(filled: Workspace, open_page: Open) -> None:
    app = open_page("compare")
    app.selectbox(key="a").select(app.selectbox(key="b").value).run()
    assert not app.exception
    assert [one.value for one in app.info] == [
        "A and B are the same selection; choose another one in one of the lists."
    ]


def test_selections_of_different_frames_are_one_sentence(filled: Workspace, open_page: Open) -> None:
    folder = filled.selections()[0].folder
    record = folder / "selection.json"
    fingerprint = filled.selections()[0].record.dataset_fingerprint
    record.write_text(record.read_text().replace(fingerprint, "0" * 64))
    app = open_page("compare")
    assert not app.exception
    assert "changed between the two selections" in app.warning[0].value


def test_with_one_selection_the_page_says_what_to_do(filled: Workspace, open_page: Open) -> None:
    (filled.selections()[0].folder / "selection.json").unlink()
    app = open_page("compare")
    assert not app.exception
    assert "One more selection is needed" in texts(app)


def test_reasons_add_up_to_all_frames(filled: Workspace) -> None:
    a, b = filled.selections()
    table = comparison.reasons_table(a, b)
    assert table["A"].sum() == table["B"].sum() == a.record.frames
    assert table.loc["Kept", "A"] == a.record.kept


def test_parameters_that_differ_stand_first(filled: Workspace) -> None:
    a, b = filled.selections()
    table = comparison.parameters_table(a, b)
    marked = [name.startswith("≠ ") for name in table.index]
    assert marked == sorted(marked, reverse=True)
    assert (table["A"] != table["B"]).tolist() == marked
    assert "≠ Too alike" in table.index


def test_the_map_draws_every_frame_once_by_its_own_shape() -> None:
    codes = np.array([0, 1, 2, 3, 3, 1], np.uint8)
    xy = np.arange(12, dtype=np.float32).reshape(6, 2)
    drawn = comparison.figure(xy, codes, dark=False)
    assert sum(len(trace.x) for trace in drawn.data) == 6
    assert len({trace.marker.symbol for trace in drawn.data}) == 4
    only_a = next(trace for trace in drawn.data if trace.name.startswith("only A"))
    assert sorted(only_a.x.tolist()) == [2, 10]


@pytest.mark.parametrize("n", [10, 20_000, 123_456])
def test_a_sample_keeps_the_shares_and_never_loses_a_kind(n: int) -> None:
    codes = np.zeros(n, np.uint8)
    codes[: n // 4], codes[-1] = 3, 1
    rows = comparison.sample(codes)
    assert len(rows) <= comparison.MOST_POINTS
    assert len(np.unique(rows)) == len(rows)
    assert set(codes[rows]) == set(codes)
    assert abs((codes[rows] == 3).mean() - (codes == 3).mean()) < 0.01


def test_a_baseline_is_made_from_the_form(filled: Workspace, open_page: Open) -> None:
    app = open_page("compare")
    next(one for one in app.text_input if one.key == "maker-name").set_value("-baseline").run()
    next(one for one in app.button if one.key == "maker-go").click().run()
    assert not app.exception
    started = jobs.jobs(filled)[0]
    assert started.argv == ["select", "fabricated-000001", "--method=every_nth", "--name=-baseline", "--seed=0"]
    started.cancel(grace=0)

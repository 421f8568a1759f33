"""Deciding for all frames in the lasso: with a selection and a name, on the trail and off it as a whole."""

from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from dataeff_core.access import FILE
from dataeff_core.review.pinning import pin, take_all_back
from dataeff_core.ui.explore import lasso_pinning
from dataeff_core.ui.explore.explored import Way, open_explored
from dataeff_core.workspace import Dataset, Workspace
from dataeff_core.workspace.pins import pins_of
from dataeff_core.workspace.trail import trail_of
from tests.fabrication import fabricate, fabricate_selection
from tests.pages.conftest import APP, texts

AROUND_ALL = [-2.0, -2.0, 2.0, -2.0, 2.0, 2.0, -2.0, 2.0]
AROUND_NONE = [5.0, 5.0, 6.0, 5.0, 6.0, 6.0]
FRAMES = 24


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.setenv("DATAEFF_WORKSPACE", str(tmp_path / "workspace"))
    workspace, *_ = fabricate(tmp_path / "workspace", frames=FRAMES, groups=2, dim=8)
    return workspace


def with_selection(workspace: Workspace) -> Dataset:
    dataset = workspace.datasets()[0]
    fabricate_selection(dataset, workspace.embedding(dataset), keep=0.25, name="first")
    return dataset


def with_lasso(lasso: list[float], name: str = "") -> AppTest:
    app = AppTest.from_file(str(APP), default_timeout=60).run()
    if name:
        app.text_input(key="visitor-field").set_value(name).run()
    app.session_state["explore-view"].lasso = lasso
    return app.run()


def keys(app: AppTest) -> set[str]:
    return {str(one.key) for one in app.button}


def test_without_a_lasso_or_with_an_empty_one_nothing_is_offered(own: Workspace) -> None:
    with_selection(own)
    assert "in the lasso, whatever" not in texts(with_lasso(AROUND_NONE))


def test_without_a_selection_it_says_to_save_one(own: Workspace) -> None:
    app = with_lasso(AROUND_ALL, "Anna")
    assert "Save a selection first" in texts(app)
    assert "explore-pin-go" not in keys(app)


def test_all_in_the_lasso_are_kept_and_taken_back(own: Workspace) -> None:
    dataset = with_selection(own)
    app = with_lasso(AROUND_ALL)
    assert "Who reviews?" in texts(app)
    assert "explore-pin-go" not in keys(app)
    app.text_input(key="visitor-asked").set_value("Anna").run()
    assert f"{FRAMES} frames in the lasso" in texts(app)
    assert app.button(key="explore-pin-go").disabled  # until there is a reason
    app.selectbox(key="explore-pin-reason-keep").set_value("finding").run()
    app.text_input(key="explore-pin-why").set_value("<b>all</b> =1+1").run()
    app.button(key="explore-pin-go").click().run()
    assert not app.exception
    entries = trail_of(dataset.folder).entries()
    assert {one.frame_id for one in entries} == set(dataset.frames["frame_id"])
    assert {(one.action, one.reviewer, one.reason, one.why) for one in entries} == {
        ("keep", "Anna", "finding", "<b>all</b> =1+1")
    }
    assert {one.machine["selection"] for one in entries} == {own.selections(dataset)[0].id}
    assert (own.selections(dataset)[0].decisions["decision"] == "kept").all()
    app.session_state["explore-view"].lasso = None
    app.run()
    assert f"{FRAMES} frames kept by you" in texts(app)
    app.button(key="explore-pin-undo").click().run()
    assert not app.exception
    assert not pins_of(dataset.folder).standing
    assert trail_of(dataset.folder).last == 2 * FRAMES  # nothing is ever taken off the trail
    assert "kept by you" not in texts(app)


def test_removing_says_where_it_breaks_the_budget(own: Workspace) -> None:
    dataset = with_selection(own)
    app = with_lasso(AROUND_ALL, "Anna")
    app.radio(key="explore-pin-action").set_value("drop").run()
    app.selectbox(key="explore-pin-reason-drop").set_value("private").run()
    app.button(key="explore-pin-go").click().run()
    assert not app.exception
    assert (own.selections(dataset)[0].decisions["decision"] == "dropped").all()
    assert "reviewers have 6 removed" in texts(app)


def test_a_viewer_is_offered_nothing(own: Workspace) -> None:
    with_selection(own)
    (own.root / FILE).write_text('[roles]\n"Vera" = "viewer"\n')
    assert "in the lasso, whatever" not in texts(with_lasso(AROUND_ALL, "Vera"))


def test_a_frame_whose_file_is_gone_stops_all_of_it(own: Workspace) -> None:
    from dataeff_core.errors import NotFound

    dataset = with_selection(own)
    saved = own.selections(dataset)[0]
    with pytest.raises(NotFound):
        pin(own, saved, [*dataset.frames["frame_id"][:3], "absent"], "keep", reviewer="Anna")
    assert trail_of(dataset.folder).last == 0


def test_undoing_twice_with_one_key_counts_once(own: Workspace) -> None:
    dataset = with_selection(own)
    saved = own.selections(dataset)[0]
    entries = pin(own, saved, dataset.frames["frame_id"].tolist(), "keep", reviewer="Anna", reason="rare")
    for _ in range(2):
        take_all_back(dataset, entries, reviewer="Ben", key="once")
    assert trail_of(dataset.folder).last == 2 * FRAMES


def test_a_selection_of_this_embedding_comes_first(own: Workspace) -> None:
    dataset = with_selection(own)
    embedding = own.embedding(dataset)
    explored = open_explored(own, dataset, embedding, own.maps(dataset)[0], Way(k=2))
    found = lasso_pinning.selection_of(own, explored)
    assert found is not None
    assert found.record.embedding == embedding.id
    assert np.array_equal(found.machine["frame_id"], dataset.frames["frame_id"])


def test_a_second_click_while_the_first_is_written_adds_nothing(own: Workspace) -> None:
    dataset = with_selection(own)
    for _ in range(2):  # as if both had begun before either was through
        app = with_lasso(AROUND_ALL, "Anna")
        app.session_state["explore-pin-once"] = "one"
        app.selectbox(key="explore-pin-reason-keep").set_value("finding").run()
        app.button(key="explore-pin-go").click().run()
        assert not app.exception
        assert "explore-pin-once" not in app.session_state
    assert trail_of(dataset.folder).last == FRAMES


@pytest.mark.parametrize("taken_away", [False, True])
def test_a_viewer_saves_no_selection_by_another_method(own: Workspace, *, taken_away: bool) -> None:
    with_selection(own)
    roles = own.root / "roles.toml"
    roles.write_text(f'others = "{"researcher" if taken_away else "viewer"}"\n')
    app = AppTest.from_file(str(APP), default_timeout=60)
    app.session_state["explore-others"] = True
    app.run()
    if taken_away:
        pressed = app.button(key="other-save").click()
        roles.write_text('others = "viewer"\n')
        pressed.run()
        assert len(own.selections(own.datasets()[0])) == 1
    assert app.button(key="other-save").disabled

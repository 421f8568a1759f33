"""Step through, without a browser: who may, what there is nothing of, and a trail that cannot be read."""

from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from dataeff_core.review.pinning import pin
from dataeff_core.ui.review import stepping
from dataeff_core.ui.review.step_queue import Steps
from dataeff_core.workspace import SavedSelection, Workspace
from dataeff_core.workspace.trail import trail_of
from tests.fabrication import fabricate, fabricate_selection
from tests.pages.conftest import texts

Open = Callable[..., AppTest]


@pytest.fixture
def saved(filled: Workspace) -> SavedSelection:
    return filled.selections(filled.dataset("latest"))[-1]


def test_who_reviews_is_asked_and_how_much_is_enough_is_said(filled: Workspace, open_page: Open) -> None:
    app = open_page("review", review="Step through")
    assert not app.exception
    assert "Who reviews?" in texts(app)
    assert "None of the 20 removals has been looked at" in texts(app).replace("\\", "")
    app.sidebar.text_input[0].input("Dr A").run()
    assert "Who reviews?" not in texts(app)


def test_a_broken_budget_is_said(filled: Workspace, saved: SavedSelection, open_page: Open) -> None:
    removed = saved.machine.loc[saved.machine["decision"] == "dropped", "frame_id"].tolist()
    pin(filled, saved, removed[:3], "keep", reviewer="Dr A")
    assert "reviewers have 3 kept" in texts(open_page("review", review="Step through"))


def test_nothing_removed_is_said(empty: Workspace, open_page: Open) -> None:
    _, dataset, embedding, _ = fabricate(empty.root, frames=12)
    fabricate_selection(dataset, embedding, keep=1.0)
    app = open_page("review", review="Step through")
    assert not app.exception
    assert "Nothing was removed" in texts(app)


def test_a_frame_that_the_method_kept_is_not_silently_exchanged_for_another(
    saved: SavedSelection, open_page: Open
) -> None:
    app = open_page("review", review="Step through")
    kept, removed = (
        saved.machine.loc[saved.machine["decision"] == one, "frame_id"].iloc[0] for one in ("kept", "dropped")
    )
    app.session_state["review-start"] = removed
    assert not app.run().info
    app.session_state["review-start"] = kept
    app.run()
    assert not app.exception
    assert [one.value for one in app.info] == [stepping.NOT_REMOVED]


def test_a_damaged_trail_is_one_sentence(filled: Workspace, open_page: Open) -> None:
    file = trail_of(filled.dataset("latest").folder).file
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(b"nothing that a database would say " * 50)
    app = open_page("review", review="Step through")
    assert not app.exception
    assert "is damaged" in app.error[0].value


def test_a_viewer_may_look_and_what_he_sends_is_not_written(filled: Workspace, saved: SavedSelection) -> None:
    (filled.root / "roles.toml").write_text('others = "viewer"\n')
    steps = Steps(filled.dataset("latest"), saved)
    told = stepping.component_data(steps, steps.marks(), {}, "Dr V")
    assert told["may"] is False
    assert told["n"] == 20
    assert {one["digit"] for one in told["reasons"]} == set("12345678")
    wish = {"key": "k" * 32, "action": "keep", "frame": steps.items(0, 1)[0]["id"]}
    answers = stepping.answers_to(filled, saved, {"number": 7, "wishes": [wish]})
    assert answers["number"] == 7
    assert "takes a reviewer" in answers["by_key"]["k" * 32]
    assert steps.marks().tally.reviewed == 0

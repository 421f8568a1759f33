"""The record's page: all entries but others' blind answers, in words, as text; nothing on it changes anything."""

from collections.abc import Callable

from streamlit.testing.v1 import AppTest

from dataeff_core.review import sampling
from dataeff_core.review.pinning import pin, take_back
from dataeff_core.ui.review import record
from dataeff_core.workspace import Dataset, SavedSelection, Workspace
from dataeff_core.workspace.trail import trail_of
from tests.pages.conftest import texts

Open = Callable[..., AppTest]
HOSTILE = "<script>alert(1)</script> [x](javascript:1)"


def decide(filled: Workspace) -> tuple[Dataset, SavedSelection]:
    """Two keeps, one taken back, and a mark each by two reviewers."""
    dataset = filled.datasets()[0]
    saved = filled.selections(dataset)[-1]
    frames = dataset.frames["frame_id"].tolist()
    entries = pin(filled, saved, frames[:2], "keep", reviewer=HOSTILE, reason="finding", why="a polyp")
    take_back(dataset, entries[0], reviewer="Ben")
    drawn = sampling.draw(dataset, saved, size=3)
    for name in ("Anna", "Ben"):
        sampling.mark(dataset, drawn, drawn.items[0].frame_id, sampling.NEEDED, reviewer=name)
    return dataset, saved


def open_record(open_page: Open, name: str = "") -> AppTest:
    app = open_page("review", review="Record")
    if name:
        app = app.text_input(key="visitor-field").set_value(name).run()
    assert not app.exception
    return app


def test_without_a_decision_it_says_what_will_stand_there(filled: Workspace, open_page: Open) -> None:
    assert "Nothing is recorded yet" in texts(open_record(open_page))


def test_everything_is_listed_but_others_blind_answers(filled: Workspace, open_page: Open) -> None:
    decide(filled)
    table = open_record(open_page).dataframe[0].value
    assert table["No."].tolist() == [3, 2, 1]
    assert table["Who"].tolist() == ["Ben", HOSTILE, HOSTILE]
    assert table["What"].tolist() == ["take back no. 1", "keep", "keep"]
    assert table["Why"].tolist()[1] == "shows a finding · a polyp"
    own = open_record(open_page, "Anna").dataframe[0].value
    assert own["No."].tolist() == [4, 3, 2, 1]
    assert own["What"].iat[0].startswith("answered: ")


def test_filters_and_the_check(filled: Workspace, open_page: Open) -> None:
    dataset, _ = decide(filled)
    app = open_record(open_page)
    app.text_input(key="record-find").set_value("POLYP finding").run()
    assert app.dataframe[0].value["No."].tolist() == [2, 1]
    app.selectbox(key="record-who").set_value("Ben").run()
    assert len(app.dataframe[0].value) == 0
    before = trail_of(dataset.folder).last
    app.button(key="record-check").click().run()
    assert "as written" in texts(app)
    assert not app.exception
    assert trail_of(dataset.folder).last == before


def test_a_trail_that_was_changed_behind_its_back_is_said(filled: Workspace, open_page: Open) -> None:
    import sqlite3

    dataset, _ = decide(filled)
    with sqlite3.connect(dataset.folder / "review" / "trail.sqlite") as base:
        base.execute("DROP TRIGGER no_change")
        base.execute("UPDATE entries SET why = 'nothing' WHERE seq = 2")
    app = open_record(open_page)
    app.button(key="record-check").click().run()
    assert "not as it was written" in app.error[0].value


def test_a_trail_that_cannot_be_read_is_one_sentence(filled: Workspace, open_page: Open) -> None:
    dataset, _ = decide(filled)
    for file in (dataset.folder / "review").glob("trail.sqlite*"):
        file.write_bytes(b"no database at all" * 400)
    app = open_page("review", review="Record")
    assert not app.exception
    assert len(app.error) == 1


def test_rules_are_told_from_people(filled: Workspace) -> None:
    dataset, _ = decide(filled)
    entries = trail_of(dataset.folder).entries()
    assert record.table(entries)["When"].str.len().min() > 0
    assert [one.seq for one in record.visible(entries, "")] == [3, 2, 1]

"""The Review page: its empty states, its views by address, and Nothing lost with its rules."""

from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from dataeff_core.errors import BadInput, NotFound
from dataeff_core.review import rules
from dataeff_core.review.coverage import GROUP, LABEL, LESION, coverage
from dataeff_core.review.pinning import pin
from dataeff_core.ui.review import nothing_lost, nothing_lost_units, taking_back, views
from dataeff_core.workspace import SavedSelection, Workspace
from dataeff_core.workspace.datasets import save_frames
from dataeff_core.workspace.pins import pins_of
from tests.fabrication import fabricate, fabricate_selection, hostile_fragments
from tests.pages.conftest import texts

Open = Callable[..., AppTest]
GREEK = "ηεαβθρστ"
LOST = "Nothing lost"


@pytest.fixture
def masked(empty: Workspace) -> Workspace:
    """24 frames in 6 groups with masks and labels; the selection keeps three, so that groups and lesions are lost."""
    _, dataset, embedding, _ = fabricate(empty.root, frames=24, groups=6, hostile_names=True, masks=True)
    fabricate_selection(dataset, embedding, keep=0.125)
    return empty


def newest(workspace: Workspace) -> SavedSelection:
    return workspace.selections(workspace.datasets()[0])[-1]


def named(app: AppTest, name: str = "Dr. Åse") -> AppTest:
    """The page with the visitor's name typed in the sidebar."""
    app.sidebar.text_input[0].input(name).run()
    return app


def test_without_frames_the_page_says_what_to_do(empty: Workspace, open_page: Open) -> None:
    app = open_page("review")
    assert not app.exception
    assert "Nothing to review yet" in texts(app)
    assert "Import frames first" in texts(app)


def test_without_a_selection_the_page_says_how_to_make_one(empty: Workspace, open_page: Open) -> None:
    fabricate(empty.root, frames=12)
    app = open_page("review", review="Timeline")
    assert not app.exception
    assert "save that selection" in texts(app)


@pytest.mark.parametrize("view", list(views.VIEWS))
def test_every_view_opens_by_its_address_in_plain_words(masked: Workspace, open_page: Open, view: str) -> None:
    app = open_page("review", review=view)
    assert not app.exception
    assert not app.error or view == LOST
    assert not set(GREEK) & set(texts(app))
    assert app.session_state["review"] == view


def test_a_selection_older_than_the_frames_is_one_sentence(masked: Workspace, open_page: Open) -> None:
    record = newest(masked).folder / "selection.json"
    record.write_text(record.read_text().replace(masked.datasets()[0].fingerprint, "0" * 64))
    app = open_page("review", review="Timeline")
    assert not app.exception
    assert "was made before" in app.warning[0].value


def test_the_alarm_comes_first_and_says_what_is_lost(masked: Workspace, open_page: Open) -> None:
    app = open_page("review", review=LOST)
    found = coverage(masked.datasets()[0].frames, newest(masked).decisions)
    assert found.lost
    assert "No frame stays of" in app.error[0].value
    assert "lesion" in app.error[0].value
    table = app.dataframe[0].value
    assert table.iloc[0][""] == "⚠ none stays"
    assert table["Stay"].iloc[0] == 0
    assert not any(one in texts(app).replace("\\", "") for one in hostile_fragments() if one == "<script>")


def test_one_click_sets_the_rule_and_another_lifts_it(masked: Workspace, open_page: Open) -> None:
    dataset = masked.datasets()[0]
    app = open_page("review", review=LOST)
    assert app.button(key="never-lose-group-").disabled  # nobody has said who he is
    app = named(app)
    app.button(key="never-lose-group-").click().run()
    assert not app.exception
    assert "pinned" in app.success[0].value
    groups = [one for one in coverage(dataset.frames, newest(masked).decisions).units if one.kind == GROUP]
    assert len(groups) == 6
    assert all(one.kept for one in groups)
    by_rule = [pin for pin in pins_of(dataset.folder).standing if pin.reviewer == rules.rule_name(GROUP)]
    assert len(by_rule) == 6
    assert all("Dr. Åse" in pin.why for pin in by_rule)
    assert "All 6 keep a frame" in texts(app)
    assert "Never lost: set today" in texts(app).replace("\u200b", "").replace("\\", "")
    assert "never-lose-group-" not in {one.key for one in app.button}
    app.button(key="lift-group-").click().run()
    assert not app.exception
    assert pins_of(dataset.folder).standing == ()
    assert "6 pins taken back" in app.success[0].value.replace("\\", "")


def test_what_a_reviewer_removed_is_taken_back_and_not_decided_on(masked: Workspace, open_page: Open) -> None:
    dataset = masked.datasets()[0]
    saved = newest(masked)
    stays = (saved.machine["decision"] == "kept").to_numpy(bool)
    kept = dataset.frames["frame_id"][stays].tolist()
    pin(masked, saved, kept, "drop", reviewer="Bo", reason="outside")
    unit = next(
        one
        for one in coverage(dataset.frames, newest(masked).decisions).units
        if one.kind == GROUP and stays[one.rows].any()
    )
    frame = dataset.frames["frame_id"][unit.rows[stays[unit.rows]][0]]
    app = named(open_page("review", review=LOST))
    app.session_state["nothing-lost-picked"] = (f"{unit.kind} {unit.name}", frame)
    picked = {"selection": {"rows": [list_of(app).index(unit.name)], "columns": []}}
    app.session_state["nothing-lost-table-all"] = picked
    app.run()
    assert not app.exception
    assert any("Removed by decision of Bo" in one.value for one in app.markdown)
    assert "nothing-lost-decide" not in {one.key for one in app.button}
    app.button(key="nothing-lost-take-back").click().run()
    assert not app.exception
    assert any("Taken back what Bo decided" in one.value for one in app.success)
    now = newest(masked).decisions.set_index("frame_id")["decision"]
    assert (now[frame] == "kept") and (now[[one for one in kept if one != frame]] == "dropped").all()


def list_of(app: AppTest) -> list[str]:
    return app.dataframe[0].value["Name"].tolist()


def test_taking_back_wants_a_name_a_role_and_the_decision_that_was_seen(
    masked: Workspace, open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset, saved = masked.datasets()[0], newest(masked)
    frame = str(saved.machine["frame_id"][(saved.machine["decision"] == "kept").to_numpy(bool)].iloc[0])
    first = pin(masked, saved, [frame], "drop", reviewer="Bo", reason="outside")[0]
    monkeypatch.setattr(taking_back.visitor, "require", lambda action: None)
    monkeypatch.setattr(taking_back.visitor, "name", lambda: "")
    with pytest.raises(BadInput, match="name is empty"):
        taking_back.take_back(masked, dataset, saved, frame, first.seq)
    monkeypatch.setattr(taking_back.visitor, "name", lambda: "Ada")
    second = pin(masked, saved, [frame], "drop", reviewer="Cy", reason="private")[0]
    with pytest.raises(NotFound, match="anew meanwhile"):
        taking_back.take_back(masked, dataset, saved, frame, first.seq)
    said = taking_back.take_back(masked, dataset, saved, frame, second.seq)
    assert said.endswith("still removed, by decision of Bo.")
    assert taking_back.take_back(masked, dataset, saved, frame, first.seq).endswith("as the method has it.")
    with pytest.raises(NotFound):
        taking_back.take_back(masked, dataset, saved, frame, first.seq)


def test_a_rule_says_since_when_and_what_it_does_not_hold() -> None:
    state = rules.State("2026-11-20T10:00:00+00:00", 6, 8, without=2, overruled=1)
    said = nothing_lost.rule_sentence(state)
    assert said.startswith("Never lost: set 2026-11-20 ")
    assert "6 pins. 2 of 8 came later or lost a pin and are not held by it; set it again." in said
    assert said.endswith("1 of 8 is not held, as reviewers decided otherwise.")


@pytest.mark.parametrize(("kind", "of"), [(LABEL, "finding"), (LABEL, "<b>site</b>"), (LESION, "")])
def test_labels_and_lesions_have_rules_too(masked: Workspace, open_page: Open, kind: str, of: str) -> None:
    app = named(open_page("review", review=LOST))
    app.button(key=f"never-lose-{kind}-{of}").click().run()
    assert not app.exception
    standing = pins_of(masked.datasets()[0].folder).standing
    assert {pin.reviewer for pin in standing} == {rules.rule_name(kind, of)}


def test_a_viewer_looks_but_sets_no_rule(masked: Workspace, open_page: Open) -> None:
    app = named(open_page("review", review=LOST))
    (masked.root / "roles.toml").write_text('others = "viewer"\n')
    app.button(key="never-lose-group-").click().run()  # drawn while everybody was allowed to
    assert not app.exception
    assert any("is a viewer here" in one.value for one in app.error)
    assert app.button(key="never-lose-group-").disabled
    assert pins_of(masked.datasets()[0].folder).standing == ()


def test_a_trail_that_cannot_be_read_is_one_sentence(masked: Workspace, open_page: Open) -> None:
    app = named(open_page("review", review=LOST))
    app.button(key="never-lose-group-").click().run()
    trail = masked.datasets()[0].folder / "review" / "trail.sqlite"
    assert trail.is_file()
    trail.write_bytes(b"this is no database, however long it is" * 200)
    app.button(key="lift-group-").click().run()
    assert not app.exception
    assert any("trail" in one.value for one in app.error)


def test_a_pinned_frame_whose_file_is_gone_is_told(masked: Workspace, open_page: Open) -> None:
    dataset = masked.datasets()[0]
    app = named(open_page("review", review=LOST))
    app.button(key="never-lose-group-").click().run()
    pin = pins_of(dataset.folder).standing[0]
    table = dataset.all_frames.copy()
    table.loc[table["frame_id"] == pin.frame_id, "present"] = False
    save_frames(dataset.folder, dataset.record, table, dataset.unreadable)
    now = masked.datasets()[0]
    fabricate_selection(now, masked.embedding(dataset), keep=0.5, seed=7)
    app = open_page("review", review=LOST)
    assert not app.exception
    assert any("is not in the dataset any more" in one.value for one in app.warning)


def test_the_table_agrees_with_coverage_and_shows_the_kind_that_is_chosen(filled: Workspace) -> None:
    saved = newest(filled)
    found = coverage(filled.datasets()[0].frames, saved.decisions)
    table = nothing_lost_units.units_table(list(found.units))
    assert len(table) == len(found.units)
    assert table["Stay"].sum() == saved.record.kept
    assert table["Frames"].sum() == saved.record.frames


def test_a_kind_can_be_looked_at_alone(masked: Workspace, open_page: Open) -> None:
    app = open_page("review", review=LOST)
    app.button_group(key="nothing-lost-kind").set_value("Groups").run()
    assert not app.exception
    assert set(app.dataframe[0].value["What"]) == {"group"}
    assert len(app.dataframe[0].value) == 6


def test_many_masks_are_read_once_somebody_asks(
    masked: Workspace, open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nothing_lost, "AT_ONCE", 10)
    app = open_page("review", review=LOST)
    assert "lesion" not in set(app.dataframe[0].value["What"])
    next(one for one in app.button if one.label == "Look for lesions in 24 masks").click().run()
    assert not app.exception
    assert "lesion" in set(app.dataframe[0].value["What"])
    again = open_page("review", review=LOST)  # what was read once stays
    assert "lesion" in set(again.dataframe[0].value["What"])

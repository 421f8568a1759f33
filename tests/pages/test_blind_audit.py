"""The blind audit's page: what it says at each step, what it tells the browser and what not, what it writes."""

import csv
import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient
from streamlit.testing.v1 import AppTest

from dataeff_core.access import FILE
from dataeff_core.exporting.audit import table_csv
from dataeff_core.exporting.exporting import export
from dataeff_core.review import outcome, sampling
from dataeff_core.review.agreement import wrong_rate
from dataeff_core.review.audit_table import COLUMNS, audit_rows, rows_of
from dataeff_core.review.outcome import AuditResult
from dataeff_core.review.pinning import pin
from dataeff_core.review.sampling import AuditRecord
from dataeff_core.ui import routes
from dataeff_core.ui.review import blind_audit, blind_marking, blind_result, blind_routes
from dataeff_core.workspace import Dataset, SavedSelection, Workspace
from dataeff_core.workspace.trail import trail_of
from tests.pages.conftest import texts

Open = Callable[..., AppTest]
HOSTILE = "=HYPERLINK(1) <b>x</b>"


def open_audit(open_page: Open) -> AppTest:
    app = open_page("review", review="Blind audit")
    assert not app.exception
    return app


def at_hand(filled: Workspace) -> tuple[Dataset, SavedSelection]:
    """What the page shows first: the newest selection."""
    dataset = filled.datasets()[0]
    return dataset, filled.selections(dataset)[-1]


def named(app: AppTest, name: str) -> AppTest:
    return next(one for one in app.sidebar.text_input if one.label == "Your name").set_value(name).run()


def mark_all(dataset: Dataset, record: AuditRecord, reviewer: str, verdict: Callable[[int], str]) -> None:
    for at, one in enumerate(record.items):
        sampling.mark(dataset, record, one.frame_id, verdict(at), reviewer=reviewer)


def alternating(at: int) -> str:
    return sampling.NEEDED if at % 2 else sampling.NOT_NEEDED


def component(app: AppTest) -> dict[str, Any]:
    """What the browser is told."""
    for one in app.get("bidi_component"):
        data = json.loads(one.proto.json) if one.proto.component_name.endswith("dataeff_blind") else None
        if data is not None:
            return data
    raise AssertionError("the component is not drawn")


def test_a_sample_is_drawn_then_the_name_is_asked_for(filled: Workspace, open_page: Open) -> None:
    app = open_audit(open_page)
    assert "How often is a removal wrong?" in texts(app)
    dataset, saved = at_hand(filled)
    app.number_input(key=f"blind-size-{saved.id}-0").set_value(8).run()
    assert "4 kept ones mixed in" in texts(app)
    app.button(key="blind-draw-0").click().run()
    assert not app.exception
    (record,) = sampling.audits(dataset)
    assert sum(one.stratum >= 0 for one in record.items) == 8
    assert "Who reviews?" in texts(app)
    app = named(app, "Anna")
    assert "Who reviews?" not in texts(app)


def test_the_browser_is_told_nothing_of_decisions_or_of_others(filled: Workspace, open_page: Open) -> None:
    dataset, saved = at_hand(filled)
    record = sampling.draw(dataset, saved, size=6)
    mark_all(dataset, record, "Ben", alternating)
    sampling.mark(dataset, record, record.items[0].frame_id, sampling.UNSURE, reviewer="Anna")
    pin(filled, saved, [record.items[1].frame_id], "keep", reviewer="Ben", why="secretword")
    data = component(named(open_audit(open_page), "Anna"))
    assert data["marks"] == [sampling.UNSURE, *[None] * (len(record.items) - 1)]
    assert data["beside"] == [one.beside is not None for one in record.items]
    told = json.dumps({name: one for name, one in data.items() if name != "words"})
    frames = dataset.all_frames.set_index("frame_id")
    for item in record.items:
        for frame in (item.frame_id, item.beside):
            if frame is not None:
                assert not any(str(frames.at[frame, name]) in told for name in ("path", "group", "sha256"))
                assert frame not in told
    for word in ("dropped", "kept", "duplicate", "outlier", "invalid", "stratum", "Ben", "secretword"):
        assert word not in told


def test_pictures_are_asked_for_by_their_place(filled: Workspace) -> None:
    dataset, saved = at_hand(filled)
    record = sampling.draw(dataset, saved, size=6)
    client = TestClient(Starlette(routes=routes.routes()))
    place = f"{blind_routes.picture_url(dataset.id, record.id)}"
    small = f"{blind_routes.picture_url(dataset.id, record.id, small=True)}"
    for at, item in enumerate(record.items):
        for side, frame in (("left", item.frame_id), ("right", item.beside)):
            got = client.get(place.format(at=at, side=side))
            if frame is None:
                assert got.status_code == 404
                continue
            assert got.content == client.get(routes.original_url(dataset.id, frame)).content
            thumbnail = client.get(small.format(at=at, side=side))
            assert thumbnail.headers["content-type"] == "image/webp"
            assert thumbnail.content == filled.thumbnail(dataset.frame(frame)["sha256"]).read_bytes()
    assert client.get(place.format(at=0, side="left").partition("?")[0]).status_code == 403
    for at, side in (("99", "left"), ("-1", "left"), ("x", "left"), ("0", "middle"), ("\u0662", "left"), ("0", "..")):
        assert client.get(place.format(at=at, side=side)).status_code == 404
    other = blind_routes.picture_url(dataset.id, "../" + record.id).format(at=0, side="left")
    assert client.get(other).status_code == 404


def test_a_picture_that_is_gone_is_not_named(filled: Workspace) -> None:
    dataset, saved = at_hand(filled)
    record = sampling.draw(dataset, saved, size=6)
    frame = dataset.frame(record.items[2].frame_id)
    dataset.file(frame).unlink()
    filled.thumbnail(str(frame["sha256"])).unlink()
    client = TestClient(Starlette(routes=routes.routes()))
    for small in (False, True):
        place = blind_routes.picture_url(dataset.id, record.id, small=small)
        got = client.get(place.format(at=2, side="left"))
        assert (got.status_code, got.text) == (404, "the picture of frame 3 is not available")


def test_answers_are_written_once_and_only_ones_own(filled: Workspace) -> None:
    dataset, saved = at_hand(filled)
    record = sampling.draw(dataset, saved, size=4)
    first, second = (one.frame_id for one in record.items[:2])
    said = {
        "about": "a/Anna",
        "marks": [
            {"at": 0, "verdict": sampling.NEEDED, "key": "k1"},
            {"at": 1, "verdict": sampling.NOT_NEEDED, "key": "k2"},
        ],
    }
    for _ in range(3):  # as when the browser did not hear that it was saved
        assert blind_marking.save(dataset, record, "Anna", "a/Anna", said) == (("k1", "k2"), "")
    assert trail_of(dataset.folder).last == 2
    assert blind_marking.save(dataset, record, "Ben", "a/Ben", said) == ((), "")  # said while Anna was here
    shown = {one.frame_id: one.verdict for one in sampling.shown_to(dataset, record, "Anna")}
    assert (shown[first], shown[second]) == (sampling.NEEDED, sampling.NOT_NEEDED)
    assert {one.verdict for one in sampling.shown_to(dataset, record, "Ben")} == {None}


@pytest.mark.parametrize("name", [AuditResult.ALL, f" {AuditResult.ALL} ", "rule:x", " "])
def test_nobody_answers_as_everybody_or_as_a_rule(filled: Workspace, name: str) -> None:
    dataset, saved = at_hand(filled)
    record = sampling.draw(dataset, saved, size=4)
    said = {"about": "x", "marks": [{"at": 0, "verdict": sampling.NEEDED, "key": "k"}]}
    keys, error = blind_marking.save(dataset, record, name, "x", said)
    assert keys == ()
    assert "name" in error
    assert trail_of(dataset.folder).last == 0


@pytest.mark.parametrize(
    "said",
    [
        None,
        [],
        "x",
        {"about": "a/Anna"},
        {"about": "a/Anna", "marks": {"id": "x"}},
        {"about": "a/Anna", "marks": [None, 3, {}, {"at": "1", "verdict": "needed", "key": "k"}]},
        {"about": "a/Anna", "marks": [{"at": at, "verdict": "needed", "key": "k"} for at in (-1, 99, True, 0.0)]},
    ],
)
def test_what_is_no_answer_is_passed_over(filled: Workspace, said: object) -> None:
    dataset, saved = at_hand(filled)
    record = sampling.draw(dataset, saved, size=4)
    assert blind_marking.save(dataset, record, "Anna", "a/Anna", said) == ((), "")
    assert trail_of(dataset.folder).last == 0


@pytest.mark.parametrize(
    "mark",
    [
        {"at": 0, "verdict": "maybe", "key": "k"},
        {"at": 0, "verdict": sampling.NEEDED, "key": "taken"},
    ],
)
def test_an_answer_that_cannot_be_written_is_said_and_the_ones_before_stay(
    filled: Workspace, mark: dict[str, Any]
) -> None:
    dataset, saved = at_hand(filled)
    record = sampling.draw(dataset, saved, size=4)
    good = {"at": 1, "verdict": sampling.NOT_NEEDED, "key": "taken"}
    saved_keys, error = blind_marking.save(dataset, record, "Anna", "x", {"about": "x", "marks": [good, mark]})
    assert saved_keys == ("taken",)
    assert error.startswith("Not saved: ")
    assert trail_of(dataset.folder).last == 1


def test_who_is_through_sees_the_result_and_who_is_not_does_not(filled: Workspace, open_page: Open) -> None:
    dataset, saved = at_hand(filled)
    record = sampling.draw(dataset, saved, size=6)
    mark_all(dataset, record, HOSTILE, alternating)
    app = named(open_audit(open_page), "Anna")
    assert "judged wrong" not in texts(app)
    assert set(component(app)["marks"]) == {None}
    app.button(key="blind-to-result").click().run()
    assert "judged wrong" in texts(app)
    app = named(app, HOSTILE)
    assert "judged wrong" in texts(app)
    assert not app.exception
    table = app.dataframe[0].value
    assert table["Reviewer"].tolist() == [HOSTILE]
    result = outcome.result(dataset, record).rates[HOSTILE]
    assert table["Wrong removals"].tolist() == [result.wrong]


def test_who_is_through_may_look_at_the_answers_and_change_none(filled: Workspace, open_page: Open) -> None:
    dataset, saved = at_hand(filled)
    record = sampling.draw(dataset, saved, size=3)
    mark_all(dataset, record, "Anna", alternating)
    app = named(open_audit(open_page), "Anna")
    app.button(key="blind-to-judge").click().run()
    told = component(app)
    assert told["closed"]
    assert None not in told["marks"]
    said = {"about": "x", "marks": [{"at": 0, "verdict": sampling.UNSURE, "key": "later"}]}
    keys, error = blind_marking.save(dataset, record, "Anna", "x", said)
    assert keys == ()
    assert "no longer change" in error
    assert not component(named(app, "Ben"))["closed"]


def test_frames_found_needed_are_kept_with_one_click(filled: Workspace, open_page: Open) -> None:
    dataset, saved = at_hand(filled)
    record = sampling.draw(dataset, saved, size=6)
    mark_all(dataset, record, "Anna", lambda at: sampling.NEEDED)
    app = named(open_audit(open_page), "Anna")
    app.button(key="blind-keep").click().run()
    assert not app.exception
    decisions = filled.selection(saved.id).decisions.set_index("frame_id")["decision"]
    removed = [one.frame_id for one in record.items if one.stratum >= 0]
    assert len(removed) == 6
    assert (decisions[removed] == "kept").all()
    assert "All of them are kept now" in texts(app)


def test_a_viewer_sees_the_result_and_draws_nothing(filled: Workspace, open_page: Open) -> None:
    (filled.root / FILE).write_text('[roles]\n"Vera" = "viewer"\n')
    app = named(open_audit(open_page), "Vera")
    app = app.switch_page("pages/review.py").run()
    app.segmented_control(key="review").set_value("Blind audit").run()
    assert "A reviewer can draw a sample" in texts(app)
    assert not any(one.key and one.key.startswith("blind-draw") for one in app.button)
    dataset, saved = at_hand(filled)
    sampling.draw(dataset, saved, size=3)
    app.run()
    assert "No removed frame has been judged yet" in texts(app)


def test_a_selection_that_removes_nothing_says_so(filled: Workspace, open_page: Open) -> None:
    _, saved = at_hand(filled)
    dropped = saved.decisions.loc[saved.decisions["decision"] == "dropped", "frame_id"].tolist()
    pin(filled, saved, dropped, "keep", reviewer="Anna")
    assert "nothing to audit" in "\n".join(one.value for one in open_audit(open_page).info)


def test_the_result_in_words() -> None:
    none = AuditResult({AuditResult.ALL: wrong_rate([10], [0], [0])}, {}, {}, {})
    assert blind_result.headline(none).startswith("No removed frame")
    rate = wrong_rate([100, 300], [10, 30], [1, 2])
    found = AuditResult({"Anna": rate, AuditResult.ALL: rate}, {"Anna": 1}, {"Anna": (0, 5)}, {})
    assert blind_result.headline(found) == "3 of 40 removals judged wrong"
    assert "7.5\u202f%" in blind_result.sentence(found, rate)
    assert blind_result.table(found)["Kept frames found needed"].tolist() == ["0 of 5"]
    uneven = wrong_rate([100, 300, 50], [10, 10, 0], [1, 0, 0])
    told = blind_result.sentence(AuditResult({"A": uneven, AuditResult.ALL: uneven}, {}, {}, {}), uneven)
    assert "counts by how many frames" in told
    assert "50 removed frames" in told


def test_who_cannot_tell_does_not_make_the_result_better(filled: Workspace, open_page: Open) -> None:
    dataset, saved = at_hand(filled)
    record = sampling.draw(dataset, saved, size=8)
    removed = [one.frame_id for one in record.items if one.stratum >= 0]
    for at, frame in enumerate(removed):
        verdict = sampling.UNSURE if at < 3 else sampling.NEEDED if at == 3 else sampling.NOT_NEEDED
        sampling.mark(dataset, record, frame, verdict, reviewer="Ben")
    found = outcome.result(dataset, record)
    assert (found.unsure[AuditResult.ALL], found.worst and found.worst.wrong) == (3, 4)
    app = named(open_audit(open_page), "Anna")
    app.button(key="blind-to-result").click().run()
    assert "1 of 5 removals judged wrong, and of 3 more nobody could tell" in texts(app)
    assert "counted as wrong" in texts(app)
    sampling.mark(dataset, record, removed[0], sampling.NOT_NEEDED, reviewer="Cleo")
    assert outcome.result(dataset, record).unsure[AuditResult.ALL] == 2


def test_where_nobody_can_tell_nothing_is_known(filled: Workspace) -> None:
    dataset, saved = at_hand(filled)
    record = sampling.draw(dataset, saved, size=4)
    mark_all(dataset, record, "Ben", lambda at: sampling.UNSURE)
    found = outcome.result(dataset, record)
    assert blind_result.headline(found) == "Nobody could tell of 4 removals"
    assert "nothing is known" in blind_result.sentence(found, found.rates[AuditResult.ALL])


def test_an_audit_says_that_people_decided_since(filled: Workspace, open_page: Open) -> None:
    dataset, saved = at_hand(filled)
    record = sampling.draw(dataset, saved, size=6)
    mark_all(dataset, record, "Anna", lambda at: sampling.NEEDED)
    app = named(open_audit(open_page), "Anna")
    assert "Since it was drawn" not in texts(app)
    outside = set(saved.machine["frame_id"]) - {one.frame_id for one in record.items}
    pin(filled, saved, [record.items[0].frame_id, record.items[1].frame_id, min(outside)], "keep", reviewer="Ben")
    app.run()
    assert "Since it was drawn, people decided on 2 of its frames." in texts(app)


# ---- the table, and in the export --------------------------------------------------------------------------------


def test_the_export_carries_the_result_as_it_was_up_to_its_pins(filled: Workspace, tmp_path: Any) -> None:
    dataset, saved = at_hand(filled)
    out = tmp_path / "out"
    export(filled, filled.selection(saved.id), out, format="csv")
    assert not (out / "blind_audit.csv").exists()
    record = sampling.draw(dataset, saved, size=6, seed=3)
    mark_all(dataset, record, HOSTILE, alternating)
    mark_all(dataset, record, "Ben", lambda at: sampling.UNSURE if at == 0 else alternating(at))
    export(filled, filled.selection(saved.id), out, format="csv", force=True)
    rows = list(csv.DictReader(io.StringIO((out / "blind_audit.csv").read_text(), newline="")))
    assert [one["line"] for one in rows] == ["reviewer", "reviewer", "together", "agreement"]
    assert rows[0]["reviewer"] == f"'{HOSTILE}"  # no formula for a spreadsheet
    found = outcome.result(dataset, record)
    assert int(rows[2]["wrong"]) == found.rates[AuditResult.ALL].wrong
    assert float(rows[2]["high"]) == pytest.approx(found.rates[AuditResult.ALL].high)
    assert float(rows[3]["kappa"]) == pytest.approx(found.kappa[("=HYPERLINK(1) <b>x</b>", "Ben")][0])
    assert "blind_audit.csv" in (out / "SHA256SUMS").read_text()


def test_marks_that_came_later_are_not_in_it(filled: Workspace) -> None:
    dataset, saved = at_hand(filled)
    record = sampling.draw(dataset, saved, size=6)
    for item in record.items[:-1]:
        sampling.mark(dataset, record, item.frame_id, sampling.NOT_NEEDED, reviewer="Anna")
    entries = trail_of(dataset.folder).entries()
    mark_all(dataset, record, "Anna", lambda at: sampling.NEEDED)
    then, now = audit_rows(dataset, saved.id, entries), audit_rows(dataset, saved.id)
    assert (then[0]["wrong"], now[0]["wrong"]) == (0, 6)
    assert audit_rows(dataset, "another") == []


def test_a_line_has_a_cell_for_every_column(filled: Workspace) -> None:
    dataset, saved = at_hand(filled)
    record = sampling.draw(dataset, saved, size=2)
    (row,) = rows_of(record, outcome.result(dataset, record))
    assert tuple(row) == COLUMNS
    assert (row["line"], row["removed_judged"], row["rate"]) == ("together", 0, None)
    assert table_csv(COLUMNS, [row]).count(b"\r\n") == 2
    assert blind_audit.own_needed(record, sampling.shown_to(dataset, record, "Anna")) == []

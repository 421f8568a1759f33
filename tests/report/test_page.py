"""The page: complete in itself, foreign text as text, its numbers the selection's, and what is missing said."""

import base64
import hashlib
import re
import sqlite3
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from dataeff_core.cli import main
from dataeff_core.errors import Stale, StorageFailed
from dataeff_core.report.writing import Report, write_report
from dataeff_core.review import outcome, pinning, rules, sampling
from dataeff_core.review.coverage import coverage
from dataeff_core.selection import make
from dataeff_core.selection.saving import select
from dataeff_core.workspace import Dataset, SavedSelection, Workspace
from dataeff_core.workspace.trail import trail_of
from tests.fabrication import HOSTILE_NAMES, fabricate
from tests.report.conftest import page_of

HOSTILE = "</td><script>alert(1)</script><img src=x onerror=alert(2)>\u202egnp.exe\x07 &amp; {x}"
ALLOWED = {
    *(
        "html",
        "head",
        "meta",
        "title",
        "style",
        "body",
        "header",
        "nav",
        "main",
        "section",
        "footer",
        "h1",
        "h2",
        "h3",
    ),
    *("p", "a", "b", "br", "bdi", "span", "div", "ol", "ul", "li", "table", "thead", "tbody", "tr", "th", "td"),
    *("figure", "figcaption", "img", "pre", "code"),
}


def removed(saved: SavedSelection) -> list[str]:
    return saved.machine.loc[saved.machine["decision"] == "dropped", "frame_id"].tolist()


def test_it_loads_nothing_and_runs_nothing(written: Report) -> None:
    page = page_of(written)
    assert {name for name, _ in page.elements} <= ALLOWED
    addresses = [one[name] for _, one in page.elements for name in ("src", "href", "action", "data") if name in one]
    assert all(one.startswith(("data:image/jpeg;base64,", "#")) for one in addresses)
    assert {one["src"][:23] for one in page.of("img")} == {"data:image/jpeg;base64,"}
    assert not [
        one for _, attributes in page.elements for one in attributes if one.startswith("on") or one == "style"
    ]
    rules_ = next(one["content"] for one in page.of("meta") if one.get("http-equiv") == "Content-Security-Policy")
    (style,) = page.styles
    allowed = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"default-src 'none'; img-src data:; style-src 'sha256-{allowed}'" in rules_
    assert not re.search(r"url\(|@import", style)
    assert all(one["href"][1:] in {attributes.get("id") for _, attributes in page.elements} for one in page.of("a"))


def test_foreign_text_is_text(workspace: Workspace, saved: SavedSelection) -> None:
    frames = removed(saved)
    pinning.pin(workspace, saved, frames[:1], "keep", reviewer=HOSTILE[:90], reason="finding", why=HOSTILE)
    pinning.pin(workspace, saved, [HOSTILE_NAMES[0].join(("p01/", ""))], "drop", reviewer="Bob")
    page = page_of(write_report(workspace, saved))
    assert {name for name, _ in page.elements} <= ALLOWED
    assert "</td><script>alert(1)</script><img src=x onerror=alert(2)>" in page.text
    assert "<i>mine</i>" in page.text
    assert "<img src=x onerror=alert(1)> *p*" in page.text  # a group
    assert "<b>site</b>" in page.text  # a label
    assert "p01/<b>empty</b>.png" in page.text  # an unreadable file
    assert not any(one in page.text for one in "\u202e\x07")
    assert "\\u202egnp.exe\\x07" in page.text


def test_its_numbers_are_the_selections(workspace: Workspace, saved: SavedSelection) -> None:
    frames = removed(saved)
    for frame in frames[:2]:  # one by one, for only so do they count as looked at
        pinning.pin(workspace, saved, [frame], "keep", reviewer="Ada", reason="finding")
    saved = workspace.selection(saved.id)
    text = page_of(write_report(workspace, saved)).text
    kept = int((saved.decisions["decision"] == "kept").sum())
    assert kept == 14
    assert "14 of 60 frames (23.3 %)" in text
    for name, words in (("duplicate", "Nearly the same"), ("budget", "Over budget"), ("invalid", "Unusable")):
        count = int((saved.decisions["reason"] == name).sum())
        assert (f"{words}: {count} frame" in text) == (count > 0)
    assert "People decided on 2 frames, on 2 of them against the method." in text
    assert "2 of 48 removals looked at, 2 of them harmful" in text
    alone = int(((saved.decisions["decision"] == "dropped") & saved.decisions["representative_id"].isna()).sum())
    assert f"{alone} removed frames have none" in text
    assert saved.record.dataset_fingerprint in text
    assert "select fabricated --method meddel" in text
    assert str(workspace.root) not in text


def test_removals_that_resemble_only_removed_frames_are_counted(workspace: Workspace, saved: SavedSelection) -> None:
    machine, eta = saved.machine, np.float32(saved.record.params["eta"])
    alike = machine["reason"] == "duplicate"
    unlike = int((alike & ~(machine["similarity"].to_numpy(np.float32) > eta)).sum())
    assert unlike > 0
    text = page_of(write_report(workspace, saved)).text
    assert f"Of the {int(alike.sum())} frames removed as nearly the same, {unlike} were so only to frames" in text


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    workspace, dataset, *_ = fabricate(tmp_path / "w", frames=12, groups=2, thumbnails=False)
    saved = select(workspace, dataset, make("random", {}), keep=0.5)
    page = page_of(write_report(workspace, saved))
    for said in (
        "Not known: no blind audit was made.",
        "Not measured.",
        "the frames have no usable masks",
        "the frames have no labels",
        "6 removed frames that no person has decided on one by one",
        "6 removed frames that nothing kept stands for",
        "Whether frames show names, dates or other data of patients",
        "2 files that could not be read",
        "picture not available",
        "no kept frame stands for it",
    ):
        assert said in page.text, said
    assert page.of("img") == []


def test_all_evidence_is_told(workspace: Workspace, dataset: Dataset, saved: SavedSelection) -> None:
    found = coverage(dataset.frames, saved.decisions)
    rules.never_lose(dataset, saved, found, kind="label", of="finding", by="Ada")
    record = sampling.draw(dataset, workspace.selection(saved.id), size=20)
    for at, item in enumerate(record.items):
        for who in ("Ada", "Bob"):
            verdict = sampling.NEEDED if at % 5 == 0 else sampling.NOT_NEEDED
            sampling.mark(dataset, record, item.frame_id, verdict, reviewer=who)
    root = ["--workspace", str(workspace.root)]
    assert main(["stability", saved.id, "--seeds", "2", *root]) == 0
    text = page_of(write_report(workspace, saved)).text
    rate = outcome.result(dataset, record).rates[outcome.AuditResult.ALL]
    assert f"{rate.wrong} of {rate.judged}" in text
    assert f"{100 * rate.low:.1f} % to {100 * rate.high:.1f} %" in text
    assert "Ada and Bob 30 1.00" in text
    assert "The rule “never lose a value of finding” keeps" in text
    assert "Made again 2 times with other starting numbers" in text
    assert "nothing in it is missing or was changed" in text
    assert "no blind audit was made" not in text
    assert "finding = polyp" in text


def test_another_sample_does_not_hide_a_bad_audit(
    workspace: Workspace, dataset: Dataset, saved: SavedSelection
) -> None:
    bad = sampling.draw(dataset, saved, size=5)
    for item in bad.items:
        sampling.mark(dataset, bad, item.frame_id, sampling.NEEDED, reviewer="Ada")
    assert "blind audits were drawn" not in page_of(write_report(workspace, saved)).text
    sampling.draw(dataset, saved, size=5, seed=1)
    removed = [one.frame_id for one in bad.items if one.stratum >= 0]
    pinning.pin(workspace, saved, removed[:2], "keep", reviewer="Ada")
    text = page_of(write_report(workspace, saved)).text
    short = text.partition("How many removals are wrong?")[2].partition("?")[0]
    assert "5 of 5 removals judged" in short
    assert "2 blind audits were drawn" in short
    assert "Since it was drawn, people decided on 2 of its frames." in short


def test_removals_of_which_nobody_could_tell_are_named(
    workspace: Workspace, dataset: Dataset, saved: SavedSelection
) -> None:
    record = sampling.draw(dataset, saved, size=5)
    removed = [one.frame_id for one in record.items if one.stratum >= 0]
    for at, frame in enumerate(removed):
        verdict = sampling.UNSURE if at < 2 else sampling.NOT_NEEDED
        sampling.mark(dataset, record, frame, verdict, reviewer="Ada")
    text = page_of(write_report(workspace, saved)).text
    worst = outcome.result(dataset, record).worst
    assert worst is not None
    assert worst.wrong == 2
    told = "Of 2 more nobody could tell; with these counted as wrong it is about "
    assert text.count(f"{told}{100 * worst.rate:.1f} %") == 2


def test_a_lost_group_is_an_alarm(workspace: Workspace, dataset: Dataset) -> None:
    few = select(workspace, dataset, make("random", {}), keep=1 / 60)
    done = write_report(workspace, few)
    page = page_of(done)
    assert done.record.lost > 0
    assert "keeps no frame at all: see section 5" in page.text
    assert [one for _, one in page.elements if one.get("class") == "alarm"]
    assert "No frame stays of:" in page.text
    assert "The first 6 that keep no frame" in page.text


def test_a_changed_record_is_an_alarm(workspace: Workspace, dataset: Dataset, saved: SavedSelection) -> None:
    pinning.pin(workspace, saved, removed(saved)[:1], "keep", reviewer="Ada")
    base = sqlite3.connect(trail_of(dataset.folder).file)
    base.execute("DROP TRIGGER no_change")
    base.execute("UPDATE entries SET why = 'another'")
    base.commit()
    base.close()
    text = page_of(write_report(workspace, saved)).text
    assert "The record of decisions is not whole: entry 1 is not as it was written." in text


def test_a_damaged_record_is_one_sentence(workspace: Workspace, dataset: Dataset, saved: SavedSelection) -> None:
    pinning.pin(workspace, saved, removed(saved)[:1], "keep", reviewer="Ada")
    trail_of(dataset.folder).file.write_bytes(b"no database at all" * 400)
    with pytest.raises(StorageFailed, match="is damaged"):
        write_report(workspace, saved)
    assert not (workspace.root / "reports").exists()


def test_a_selection_older_than_the_frames_is_refused(
    workspace: Workspace, dataset: Dataset, saved: SavedSelection
) -> None:
    dataset.record.model_copy(update={"fingerprint": "0" * 64}).write(dataset.folder)
    with pytest.raises(Stale, match="before fabricated changed"):
        write_report(workspace, saved)


def test_without_pictures_none_is_in_it(workspace: Workspace, saved: SavedSelection) -> None:
    page = page_of(write_report(workspace, saved, pictures=False))
    assert page.of("img") == []
    assert "picture left out" in page.text


@pytest.mark.parametrize(("method", "keep"), [("random", 1.0), ("every_nth", None), ("meddel", None)])
def test_every_method_has_a_report(workspace: Workspace, dataset: Dataset, method: str, keep: float | None) -> None:
    params = {"k": "3", "eta": "1", "invalid": "1"} if method == "meddel" else {}
    saved = select(workspace, dataset, make(method, params), keep=keep)
    text = page_of(write_report(workspace, saved)).text
    assert f"Source: {type(make(method, params)).SOURCE}." in text
    assert "nan" not in text.lower().split()


def test_a_dataset_of_one_frame(tmp_path: Path) -> None:
    workspace, dataset, *_ = fabricate(tmp_path / "w", frames=1, groups=1)
    saved = select(workspace, dataset, make("every_nth", {}))
    text = page_of(write_report(workspace, saved)).text
    assert "1 of 1 frame (100.0 %)" in text


def test_the_page_has_a_name_a_language_and_headings_in_order(written: Report) -> None:
    page = page_of(written)
    assert page.of("html") == [{"lang": "en"}]
    assert len(page.of("title")) == len(page.of("h1")) == 1
    assert all(one.get("alt") for one in page.of("img"))
    levels = [int(name[1]) for name, _ in page.elements if name in ("h1", "h2", "h3")]
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_a_lesion_that_people_removed_says_who(workspace: Workspace, dataset: Dataset, saved: SavedSelection) -> None:
    kept = saved.machine.loc[saved.machine["decision"] == "kept", "frame_id"].tolist()
    pinning.pin(workspace, saved, kept, "drop", reviewer="Ada", reason="private")
    page = page_of(write_report(workspace, saved))
    assert "0 of 60 frames (0.0 %)" in page.text
    assert "Removed by decision of Ada. The method had said: Kept" in page.text
    assert "Decided otherwise" not in page.text

"""Report: what it will say and what is still missing in it, whether the choice would come again, and the files."""

import io
import zipfile
from pathlib import Path

import streamlit as st

from dataeff_core.errors import NotFound
from dataeff_core.jobs import Job
from dataeff_core.report.writing import PAGE, Report, reports
from dataeff_core.review.outcome import AuditResult, decided_since, headlined, result
from dataeff_core.review.sampling import AuditRecord, audits, shown_to
from dataeff_core.review.stability import Stability, stability_of
from dataeff_core.ui import commands, fragments, jobs_panel, visitor
from dataeff_core.ui.commands import option
from dataeff_core.ui.quantities import count, counted, literal, share, size, when
from dataeff_core.workspace import Dataset, SavedSelection, Workspace

REPEATS = 5
MOST_SHOWN = 5
DONE, OPEN, WARN = (
    ":blue[:material/check_circle:]",
    ":gray[:material/radio_button_unchecked:]",
    ":orange[:material/warning:]",
)


def draw(workspace: Workspace, dataset: Dataset, saved: SavedSelection) -> None:
    """The whole view."""
    judging = is_judging(dataset, saved, visitor.name())
    left, right = st.columns([1, 1], gap="large")
    with left:
        st.markdown("#### What the report will say")
        st.markdown("\n\n".join(facts(dataset, saved, judging=judging)))
        st.caption(
            "It is one page that needs no network, in plain words, with examples of what went and what stands for "
            "it, what stays of each patient and lesion, the recipe, and what was not checked; and all of it as "
            "tables."
        )
        _draw_stability(workspace, saved)
    with right:
        st.markdown("#### Make the report")
        if judging:
            st.info(
                "You are in the middle of a blind audit. Reports tell what the others judged and what the method "
                "decided, so they wait until you are through.",
                icon=":material/visibility_off:",
            )
            return
        _draw_maker(workspace, saved)
        _draw_reports(workspace, saved)


def is_judging(dataset: Dataset, saved: SavedSelection, name: str) -> bool:
    """Whether this visitor has begun and not finished to judge in one of the blind audits of this selection."""
    mine = [one for one in audits(dataset) if one.selection == saved.id] if name else []
    verdicts = [[one.verdict for one in shown_to(dataset, record, name)] for record in mine]
    return any(None in own and any(own) for own in verdicts)


def facts(dataset: Dataset, saved: SavedSelection, *, judging: bool = False) -> list[str]:
    """One line for each thing that people ask first: a mark and a sentence, in Markdown. Who is `judging` in a blind
    audit is not told what came of it so far."""
    machine = saved.machine
    removed = int((machine["decision"] == "dropped").sum())
    kept = int((saved.decisions["decision"] == "kept").sum())
    seen = sum(bool(machine["decision"].iat[row] == "dropped") for row in saved.looked_at)
    looked_at = f"{count(seen)} of {counted(removed, 'removal')} decided on by people, one by one."
    if removed and not seen:
        looked_at = "No removal has been decided on by people yet, one by one."
    return [
        f"{DONE} {count(kept)} of {counted(len(machine), 'frame')} are kept, {share(kept / max(1, len(machine)))}.",
        f"{DONE if seen else OPEN} {looked_at}",
        f"{OPEN} A blind audit is under way, and you judge in it." if judging else _audited(dataset, saved),
        _again(stability_of(saved)),
    ]


def _audited(dataset: Dataset, saved: SavedSelection) -> str:
    drawn = [(one, result(dataset, one)) for one in audits(dataset) if one.selection == saved.id]
    newest = headlined(drawn)
    if newest is None:
        return f"{OPEN} No blind audit yet: how many removals are wrong is not known."
    others = f" {count(len(drawn))} blind audits were drawn." if len(drawn) > 1 else ""
    return _came_out(*newest, saved) + others


def _came_out(record: AuditRecord, found: AuditResult, saved: SavedSelection) -> str:
    """What one audit came to, and whether it may be out of date."""
    rate, worst, unsure = found.rates[AuditResult.ALL], found.worst, found.unsure[AuditResult.ALL]
    if not rate.judged:
        said = f"nobody could tell of {counted(unsure, 'removal')}" if unsure else "nothing is judged in it yet"
        return f"{OPEN} A blind audit was drawn, and {said}."
    told = (
        f"{DONE} About {share(rate.rate)} of the removals are wrong (95 % interval {share(rate.low)} to "
        f"{share(rate.high)}), by a blind audit of {count(rate.judged)}."
    )
    if worst is not None:
        told += f" Of {count(unsure)} more nobody could tell; with these counted as wrong it is {share(worst.rate)}."
    since = decided_since(record, saved.pins)
    return told + (f" Since it was drawn, people decided on {count(since)} of its frames." if since else "")


def _again(found: Stability | None) -> str:
    if found is None:
        return f"{OPEN} Whether the same frames would be chosen again is not known yet."
    return f"{DONE if found.steady else WARN} {literal(found.verdict)}"


# ---- would the same frames be chosen again? ----------------------------------------------------------------------


def _draw_stability(workspace: Workspace, saved: SavedSelection) -> None:
    st.markdown("#### Would the same frames be chosen again?")
    found = stability_of(saved)
    if found is not None:
        st.markdown(f"**{literal(found.verdict)}**")
        st.markdown("\n".join(f"- {literal(one.sentence)}" for one in found.agreements))
        for one in found.record.left_out:
            st.caption(f"Not made: {literal(one)}")
        st.caption(
            "On Explore, “Colour by” shows how often each frame stays; stepping through says it of each frame."
        )
    else:
        st.markdown(
            "Which of several like frames stays can be a matter of chance. Choosing again with other starting "
            "numbers, other numbers of kinds of view and other ways of comparing shows how much of it is."
        )
    active = _active(workspace, saved, "stability")
    if active:
        fragments.draw(jobs_panel.draw_progress, active[0], run_every=jobs_panel.POLL_SECONDS)
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        seeds = int(
            st.number_input(
                "Other starting numbers", 1, 100, REPEATS, key="stability-seeds", width=190, help="So many repeats."
            )
        )
        argv = ["stability", saved.id, option("seeds", seeds)]
        may = visitor.may("run")
        if st.button(
            "Choose again",
            key="stability-go",
            icon=":material/replay:",
            disabled=not may,
            help="Runs in the background and changes nothing." if may else "Your role does not let you start this.",
        ):
            jobs_panel.start(workspace, argv)
            st.rerun()


# ---- the report --------------------------------------------------------------------------------------------------


def _draw_maker(workspace: Workspace, saved: SavedSelection) -> None:
    active = _active(workspace, saved, "report")
    if active:
        fragments.draw(jobs_panel.draw_progress, active[0], run_every=jobs_panel.POLL_SECONDS)
        return
    pictures = st.toggle(
        "With pictures",
        value=True,
        key="report-pictures",
        help="Small copies of some frames lie within the page. Leave them out where pictures must not be handed on.",
    )
    argv = ["report", saved.id, *([] if pictures else ["--without-pictures"])]
    may = visitor.may("review")
    if st.button(
        "Make the report",
        key="report-go",
        type="primary",
        icon=":material/description:",
        disabled=not may,
        help=None if may else "Your role does not let you do this.",
    ):
        jobs_panel.start(workspace, argv, action="review")
        st.rerun()
    st.caption("The same from a shell")
    commands.draw(workspace, argv)


def _draw_reports(workspace: Workspace, saved: SavedSelection) -> None:
    found = reports(workspace, saved)
    if not found:
        st.caption("No report on this selection yet. What you make stands here and can be downloaded.")
    for one in found[:MOST_SHOWN]:
        with st.container(border=True, gap="small"):
            _draw_report(one, saved)
    if len(found) > MOST_SHOWN:
        st.caption(f"and {counted(len(found) - MOST_SHOWN, 'older one')} in {literal(str(found[0].out.parent))}")


def _draw_report(one: Report, saved: SavedSelection) -> None:
    record = one.record
    pictures = "with pictures" if record.pictures else "without pictures"
    st.markdown(f"**Report of {when(record.created)}**  \n:gray[:small[{pictures} · {size(one.bytes)}]]")
    if record.lost:
        units = counted(record.lost, "patient, video, label or lesion", "patients, videos, labels or lesions")
        st.warning(f"It says that {units} lost all frames.", icon=":material/warning:")
    newer = outdated(one, saved)
    if newer:
        st.caption(f":material/history: {newer}")
    name = f"report-{saved.id}"
    with st.container(horizontal=True):
        st.download_button(
            "Page (HTML)",
            lambda: read(one.out / PAGE),
            file_name=f"{name}.html",
            mime="text/html",
            key=f"report-html-{record.id}",
            icon=":material/download:",
            on_click="ignore",
        )
        st.download_button(
            "Page and tables (ZIP)",
            lambda: zipped(one.out, name),
            file_name=f"{name}.zip",
            mime="application/zip",
            key=f"report-zip-{record.id}",
            icon=":material/folder_zip:",
            on_click="ignore",
        )


def outdated(one: Report, saved: SavedSelection) -> str:
    """What has come since the report was made, in a sentence; '' for nothing."""
    decisions = saved.pins.last - one.record.entries
    measured = stability_of(saved)
    parts = [f"{counted(decisions, 'decision')} or marks of people"] if decisions > 0 else []
    if measured is not None and measured.id != one.record.stability:
        parts.append("another measure of whether the choice would come again")
    return f"Since then came {' and '.join(parts)}; make it again to have it in." if parts else ""


def read(file: Path) -> bytes:
    """A file of a report. Raises NotFound when somebody took it away."""
    try:
        return file.read_bytes()
    except FileNotFoundError:
        raise NotFound(f"{file.name} of this report is not there any more; make the report again") from None


def zipped(folder: Path, name: str) -> bytes:
    """All files of a report, in one folder called `name`."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.iterdir()):
            archive.writestr(f"{name}/{file.name}", read(file))
    return out.getvalue()


def _active(workspace: Workspace, saved: SavedSelection, verb: str) -> list[Job]:
    return [job for job in jobs_panel.active_jobs(workspace) if job.verb == verb and saved.id in job.argv[1:]]

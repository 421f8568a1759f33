"""Exports: the form, what became of each, and whether it is still what was written."""

import itertools
from pathlib import Path

import streamlit as st

from dataeff_core import jobs
from dataeff_core.datasets import roots
from dataeff_core.errors import BadInput
from dataeff_core.jobs import Job, JobStatus
from dataeff_core.ui import commands, fragments, jobs_panel, visitor
from dataeff_core.ui.commands import option
from dataeff_core.ui.forms import problem
from dataeff_core.ui.quantities import counted, duration, literal, size, when
from dataeff_core.workspace import SavedSelection, Workspace
from dataeff_core.workspace.records import slug

MOST_SHOWN = 8
MOST_WRONG = 20
PARTS = {
    "manifest.parquet": "one row for every frame, kept or not: decision, reason, who stands for it",
    "scores.parquet": "the scores behind the decisions, where the method has any",
    "selection.json": "the recipe: method, all parameters, seed, fingerprints",
    "audit.csv": "what reviewers decided, who, when and why, where anybody did",
    "blind_audit.csv": "what blind audits of the selection came to, where any were drawn",
    "SHA256SUMS": "fingerprints of all other files, for `sha256sum -c`",
}


def draw_form(workspace: Workspace, saved: SavedSelection) -> None:
    """Format and place; the button starts the export in the background."""
    from dataeff_core.exporting import FORMATS

    titles = {one.NAME: one.TITLE for one in FORMATS}
    chosen = st.radio(
        "What to write",
        list(titles),
        format_func=lambda name: f"{titles[name]} :gray[{name}]",
        key="export-format",
    )
    out = _target_field(workspace, saved, chosen or "manifest")
    with st.expander("Every export also holds", icon=":material/fact_check:"):
        st.markdown("\n".join(f"- **{name}**: {what}" for name, what in PARTS.items()))
    force = (
        out is not None
        and _is_there(out)
        and st.checkbox(
            "Replace the earlier export there",
            key="export-force",
            help="Only a whole export of ours is ever replaced.",
        )
    )
    argv = export_command(saved, out, chosen or "manifest", force=force) if out is not None else []
    ready = out is not None and (force or not _is_there(out))
    if out is not None and not ready:
        problem(f"{out} is already there and not empty; choose another place, or tick the box to replace an export")
    if st.button(
        "Export",
        type="primary",
        icon=":material/ios_share:",
        disabled=not (ready and visitor.may("run")),
        key="export-go",
    ):
        jobs_panel.start(workspace, argv)
        st.rerun()
    if argv:
        st.caption("The same from a shell")
        commands.draw(workspace, argv)


def export_command(saved: SavedSelection, out: Path, chosen: str, *, force: bool) -> list[str]:
    """The command line of an export."""
    return ["export", saved.id, str(out), option("format", chosen), *(["--force"] if force else [])]


def default_target(workspace: Workspace, saved: SavedSelection, chosen: str) -> Path:
    """Where an export goes unless told otherwise: `<workspace>/exports/<selection>-<format>`, numbered from the
    second on."""
    name = f"{slug(saved.record.name)}-{saved.id}" if saved.record.name else saved.id
    first = workspace.root / "exports" / f"{name}-{chosen}"
    numbered = (first.with_name(f"{first.name}-{number}") for number in itertools.count(2))
    return next(path for path in itertools.chain([first], numbered) if not _is_there(path))


def draw_results(workspace: Workspace) -> None:
    """The latest exports, each with its files, and a check of them; renews itself while one is at work."""
    working = any(job.verb in ("export", "verify") for job in jobs_panel.active_jobs(workspace))
    fragments.draw(_draw_results, workspace, run_every=jobs_panel.POLL_SECONDS if working else None)


def _target_field(workspace: Workspace, saved: SavedSelection, chosen: str) -> Path | None:
    proposed = str(default_target(workspace, saved, chosen))
    typed = st.text_input(
        "Folder to write to",
        value=proposed,
        key=f"export-out-{proposed}",
        help="A new or empty folder inside the allowed folders or the workspace.",
    ).strip()
    if not typed:
        problem("the folder is empty; name one")
        return None
    try:
        return roots.allowed(Path(typed).expanduser(), (*roots.allowed_roots(), workspace.root.resolve()))
    except BadInput as error:
        problem(str(error))
        return None


def _is_there(out: Path) -> bool:
    try:
        return out.is_file() or (out.is_dir() and any(out.iterdir()))
    except OSError:
        return True


def _draw_results(workspace: Workspace) -> None:
    found = jobs.jobs(workspace)
    exports = [job for job in found if job.verb == "export"]
    checks = [job for job in found if job.verb == "verify"]
    if not exports:
        st.caption("Nothing has been exported yet. What you export stands here, and can be checked at any time.")
    for job in exports[:MOST_SHOWN]:
        with st.container(border=True, gap="small"):
            _draw_export(workspace, job, job.status, checks)


def _draw_export(workspace: Workspace, job: Job, status: JobStatus, checks: list[Job]) -> None:
    if status.state in jobs_panel.ACTIVE:
        st.markdown(f"**{literal(_out_of(job))}**")
        jobs_panel.draw_progress(job)
        return
    if status.state != "done" or status.result is None:
        st.markdown(f":red[:material/error:] **{literal(_out_of(job))}**")
        st.caption(literal(status.error or f"the export was {jobs_panel.STATES[status.state][0]}"))
        return
    result = status.result
    out = Path(str(result["out"]))
    st.markdown(f":blue[:material/check_circle:] **{literal(str(out))}**")
    took = duration(float(result["seconds"]))
    facts = f"{counted(int(result['frames']), 'kept frame')} · {size(int(result['bytes']))} · {took}"
    st.caption(f"{facts} · {when(job.created)}")
    if not out.exists():
        st.caption(":material/folder_off: it is not there any more")
        return
    _draw_check(workspace, out, [one for one in checks if str(out) in one.argv])
    listing = st.expander("Files", key=f"export-files-{job.id}", on_change="rerun")
    if listing.open:
        with listing:
            _draw_files(out)


def _draw_check(workspace: Workspace, out: Path, checks: list[Job]) -> None:
    """The verdict of the latest check, and buttons for the next."""
    if checks and checks[0].status.state in jobs_panel.ACTIVE:
        jobs_panel.draw_progress(checks[0])
        return
    if checks:
        _draw_verdict(checks[0])
    if not visitor.may("run"):
        return
    with st.container(horizontal=True):
        if st.button("Check the files", key=f"verify-{out}", icon=":material/verified:", help="Compares every hash."):
            jobs_panel.start(workspace, ["verify", str(out)])
            st.rerun()
        if st.button(
            "Check, and make it again",
            key=f"rerun-{out}",
            icon=":material/replay:",
            help="Also makes the selection again from its recipe and compares every single decision.",
        ):
            jobs_panel.start(workspace, ["verify", str(out), "--rerun"])
            st.rerun()


def _draw_verdict(check: Job) -> None:
    status = check.status
    result = status.result or {}
    rerun = "--rerun" in check.argv
    if result.get("ok"):
        also = ", and every decision came out the same when made again" if rerun else ""
        files = counted(int(result["checked"]), "file")
        st.success(
            f"Whole: {files} are just as they were written{also}. {when(check.created)}", icon=":material/verified:"
        )
        return
    wrong = [str(one) for one in result.get("wrong", ())]
    lines = [f"- {literal(one)}" for one in wrong[:MOST_WRONG]]
    lines += [f"- and {len(wrong) - MOST_WRONG} more"] if len(wrong) > MOST_WRONG else []
    head = "**Not as it was written.**" if wrong else literal(status.error or "the check was stopped")
    st.error("\n".join([head, "", *lines]), icon=":material/gpp_bad:")


def _draw_files(out: Path) -> None:
    if out.is_file():
        st.markdown(f"- {literal(out.name)} ({size(out.stat().st_size)})")
        return
    inside = sorted(out.iterdir(), key=lambda path: (path.is_dir(), path.name))
    lines = [
        f"- {literal(path.name)}/" if path.is_dir() else f"- {literal(path.name)} ({size(path.lstat().st_size)})"
        for path in inside[:30]
    ]
    st.markdown("\n".join(lines))
    if len(inside) > 30:
        st.caption(f"and {len(inside) - 30} more")


def _out_of(job: Job) -> str:
    named = [one for one in job.argv[1:] if not one.startswith("-")]
    return named[1] if len(named) > 1 else job.id

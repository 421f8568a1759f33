"""What the Hardness page needs before it can begin, and the jobs that make it: frames, patches, a network, scores."""

from collections.abc import Sequence

import streamlit as st

from dataeff_core import jobs
from dataeff_core.hardness.stored import Hardness, all_hardness
from dataeff_core.jobs import Job
from dataeff_core.patches.stored import PatchSet
from dataeff_core.ui import fragments, jobs_panel
from dataeff_core.ui.hardness import opening, proposing
from dataeff_core.ui.quantities import count, counted, literal
from dataeff_core.workspace import Dataset, Run, Workspace

MAKING = ("patches", "hardness", "pretrain")  # verbs of the jobs that make what the page needs
PURPOSE = (
    "Frames are cut into **patches**, and a network that learned to fill in hidden parts of pictures (a masked "
    "autoencoder, MAE) tries to draw each of them: what it draws badly is **hard**, and worth training on, unless it "
    "is noise. Here you choose between the two, and put hard patches together to training images."
)


def draw_nothing_yet() -> None:
    """For a workspace without frames."""
    st.markdown("#### No patches to judge yet")
    st.markdown(PURPOSE)
    st.markdown("Import frames first.")
    st.page_link("pages/data.py", label="Import frames", icon=":material/photo_library:")


def ready(workspace: Workspace, dataset: Dataset) -> list[Hardness]:
    """Scored patches of the dataset as it is, newest first; none after saying what is missing and offering it."""
    found = opening.fitting(dataset)
    if found:
        return found
    st.markdown("#### No scored patches yet")
    st.markdown(PURPOSE)
    if all_hardness(dataset):
        st.markdown(
            f"**{literal(dataset.record.name)}** has changed since its patches were scored; what was measured on "
            "frames that are still there is used again."
        )
    working = active(workspace, dataset)
    if working:
        draw_working(workspace, working)
        return []
    draw_failed(workspace, dataset)
    patches, runs = opening.fitting_patches(dataset), opening.scorers(workspace)
    if patches and patches[0].record.patches == 0:
        told = (
            f"none found in {counted(len(dataset.frames), 'frame')} by {patches[0].record.proposer}; propose others"
        )
        _draw_step("Patches", told, done=False)
    elif not patches:
        _draw_step("Patches", f"none of {counted(len(dataset.frames), 'frame')} yet", done=False)
    else:
        _draw_step("Patches", f"{count(patches[0].record.patches)} by {patches[0].record.proposer}", done=True)
    if runs:
        _draw_step("Masked autoencoder", literal(runs[0].record.name or runs[0].id), done=True)
    else:
        _draw_step("Masked autoencoder", "no run of one has finished yet", done=False)
    _draw_step("Scores", "how badly it draws each patch", done=False)
    if not patches or patches[0].record.patches:
        _draw_way(workspace, dataset, patches, runs)
    proposing.draw_again(workspace, dataset)
    return []


def training(dataset: Dataset) -> list[str]:
    """The command that trains a small masked autoencoder on all frames."""
    return ["pretrain", dataset.id, "--method=mae", "--preset=tiny", "--name=MAE for hardness"]


def active(workspace: Workspace, dataset: Dataset) -> list[Job]:
    """The jobs under way that make patches, scores or a network of this dataset, oldest first."""
    mine = jobs_panel.of_dataset(jobs_panel.active_jobs(workspace), dataset.id, dataset.record.name)
    return [job for job in mine if job.verb in MAKING]


def draw_failed(workspace: Workspace, dataset: Dataset, since: str = "") -> None:
    """Why the newest job that proposed or scored patches came to nothing, unless it began before `since` (UTC)."""
    mine = jobs_panel.of_dataset(jobs.jobs(workspace), dataset.id, dataset.record.name)
    newest = next((job for job in mine if job.verb in MAKING[:2]), None)
    if newest is None or newest.created <= since or newest.status.state not in ("failed", "lost"):
        return
    said = newest.status.error or "it ended before its time; its log, under Jobs in the sidebar, may say why"
    st.error(f"**{jobs_panel.words(newest.verb)}**: {literal(said)}", icon=":material/error:")


def draw_working(workspace: Workspace, working: Sequence[Job]) -> None:
    """How far the jobs are; the page is drawn anew when one has ended."""
    st.markdown("This is being made now. You can leave this page, or close the browser.")
    fragments.draw(_draw_progress, workspace, [job.id for job in working], run_every=jobs_panel.POLL_SECONDS)


def _draw_way(workspace: Workspace, dataset: Dataset, patches: Sequence[PatchSet], runs: Sequence[Run]) -> None:
    """The next jobs: as many in a row as can be known now."""
    if not runs:
        st.markdown(
            "Pre-train a masked autoencoder with the settings you want on the Pre-train page (method `mae`; a run on "
            "any dataset will do), or start a small one here on all frames: enough to see which frames stand out, "
            "less than you want for a final choice (preset `tiny`, our choice)."
        )
        st.page_link("pages/pretrain.py", label="Pre-train", icon=":material/model_training:")
        argvs = [*([] if patches else [proposing.usual(dataset)]), training(dataset)]
        argvs.append(proposing.scoring(dataset, "latest", "latest"))
        proposing.draw_start(workspace, "Make all that is missing", argvs, key="all")
        return
    of = patches[0].id if patches else "latest"
    argvs = [*([] if patches else [proposing.usual(dataset)]), proposing.scoring(dataset, of, runs[0].id)]
    proposing.draw_start(workspace, "Score the patches" if patches else "Propose and score patches", argvs, key="all")


def _draw_step(name: str, told: str, *, done: bool) -> None:
    icon = ":material/check_circle:" if done else ":material/radio_button_unchecked:"
    st.markdown(f"{icon} **{name}**: {told}")


def _draw_progress(workspace: Workspace, ids: Sequence[str]) -> None:
    under_way = [job for job in jobs_panel.active_jobs(workspace) if job.id in ids]
    for job in under_way:
        st.markdown(f"**{jobs_panel.words(job.verb)}**")
        jobs_panel.draw_progress(job)
    if len(under_way) < len(ids):
        fragments.renew_page()

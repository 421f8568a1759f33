"""Forms for other patches of a dataset, and for scoring them with another network; and the jobs they start."""

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from dataeff_core.datasets import roots
from dataeff_core.errors import BadInput
from dataeff_core.hardness.scoring import Scorer
from dataeff_core.patches import PROPOSERS, proposer_named
from dataeff_core.patches.base import Proposer
from dataeff_core.patches.stored import PatchSet
from dataeff_core.ui import commands, forms, jobs_panel, visitor
from dataeff_core.ui.commands import option
from dataeff_core.ui.hardness import opening
from dataeff_core.ui.quantities import count, when
from dataeff_core.workspace import Dataset, Run, Workspace

PROPOSER = PROPOSERS[0].NAME  # needs no weights: it always works
CHECKPOINT = "checkpoint"  # the field of proposers that need a file of weights
NO_WEIGHTS = "this needs its weights: name their file, such as sam_vit_b_01ec64.pth, or choose another way"


def draw_again(workspace: Workspace, dataset: Dataset) -> None:
    """A form for other patches of the dataset, and one for scoring with another network or other masks."""
    patches, runs = opening.fitting_patches(dataset), opening.scorers(workspace)
    with st.popover("Other patches or scores", icon=":material/add:"):
        st.markdown("**Propose patches**")
        _draw_proposing(workspace, dataset)
        st.markdown("**Score patches**")
        if patches and runs:
            _draw_scoring(workspace, dataset, patches, runs)
        else:
            st.caption("This takes patches and a finished masked autoencoder.")


def draw_start(workspace: Workspace, title: str, argvs: Sequence[Sequence[str]], *, key: str) -> None:
    """A button that starts these command lines one after another, and the lines themselves."""
    if st.button(title, type="primary", key=f"hardness-{key}-go", disabled=not visitor.may("run")):
        jobs_panel.start(workspace, *argvs)
        st.rerun()
    with st.expander("The same in a shell"):
        for argv in argvs:
            commands.draw(workspace, argv)


def usual(dataset: Dataset) -> list[str]:
    """The command that proposes patches in the usual way."""
    return ["patches", dataset.id, option("proposer", PROPOSER)]


def scoring(dataset: Dataset, patches: str, run: str, settings: Sequence[str] = ()) -> list[str]:
    """The command that scores patches by the network of a run."""
    return ["hardness", dataset.id, option("patches", patches), option("run", run), *settings]


def usable_weights(typed: str) -> Path:
    """The file of weights that was named. Raises BadInput when it is no file, empty, or outside the folders that the
    dashboard may read."""
    if not typed.strip():
        raise BadInput(NO_WEIGHTS)
    path = roots.allowed(Path(typed.strip()).expanduser(), roots.allowed_roots())
    if not path.is_file():
        raise BadInput(f"the weights {path} are not there; check the path")
    if path.stat().st_size == 0:
        raise BadInput(f"the file {path} is empty; copy the weights again")
    return path


def _draw_proposing(workspace: Workspace, dataset: Dataset) -> None:
    titles = {one.NAME: one.TITLE for one in PROPOSERS}
    name = st.radio("How", list(titles), format_func=titles.__getitem__, key="hardness-proposer") or PROPOSER
    kind = proposer_named(name)
    weights = None
    if CHECKPOINT in kind.model_fields:
        typed = st.text_input(
            "File of the weights",
            key=f"hardness-{name}-weights",
            placeholder="/models/sam_vit_b_01ec64.pth",
            help="One of SAM's published files, which you bring yourself: sam_vit_b_01ec64.pth (fastest), "
            "sam_vit_l_0b3195.pth or sam_vit_h_4b8939.pth. They are checked against the published sums; others run "
            "too, with a warning. On a CPU a frame takes seconds.",
        )
        try:
            weights = usable_weights(typed)
        except BadInput as error:
            if typed.strip():
                forms.problem(str(error))
            else:
                st.caption(str(error)[:1].upper() + str(error)[1:] + ".")
            return
    with st.expander("Its parameters"):
        proposer = forms.draw(kind, key=f"hardness-{name}", leave_out=(CHECKPOINT,))
    if proposer is not None:
        draw_start(workspace, "Propose", [_argv(dataset, proposer, weights)], key="patches")


def _argv(dataset: Dataset, proposer: Proposer, weights: Path | None) -> list[str]:
    argv = ["patches", dataset.id, option("proposer", proposer.NAME)]
    argv += [] if weights is None else [option(CHECKPOINT, weights)]
    return [*argv, *forms.options(proposer)]


def _draw_scoring(workspace: Workspace, dataset: Dataset, patches: Sequence[PatchSet], runs: Sequence[Run]) -> None:
    of = {one.id: f"{count(one.record.patches)} by {one.id} · {when(one.record.created)}" for one in patches}
    by = {run.id: f"{run.record.name or run.id} · {when(run.record.created)}" for run in runs}
    chosen = st.selectbox("Patches", list(of), format_func=of.__getitem__, key="hardness-of")
    run = st.selectbox("Masked autoencoder", list(by), format_func=by.__getitem__, key="hardness-by")
    with st.expander("Its parameters"):
        scorer = forms.draw(Scorer, key="hardness-scorer")
    if scorer is not None:
        draw_start(workspace, "Score", [scoring(dataset, chosen, run, forms.options(scorer))], key="score")

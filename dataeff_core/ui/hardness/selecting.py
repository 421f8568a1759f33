"""A selection of whole frames by the margins: how many it would keep, and the job that makes it."""

from pathlib import Path

import streamlit as st

from dataeff_core.errors import DataEffError
from dataeff_core.selection.saving import decisions_of, pool_of, with_pins
from dataeff_core.selection.vinformation import VInformation
from dataeff_core.ui import commands, forms, jobs_panel, visitor
from dataeff_core.ui.commands import option
from dataeff_core.ui.hardness.opening import Shown
from dataeff_core.ui.quantities import count, counted, share
from dataeff_core.workspace import Dataset, DatasetRecord, Workspace

OPEN = "hardness-frames"  # the key of what it stands in


def draw(shown: Shown) -> None:
    """Save whole frames by `vinformation` with these margins."""
    st.caption(
        "The same quantiles, now of frames: a frame's score is the mean hardness of its hardest patches (our choice; "
        "OptiDEL selects patches). Budget, limits and diversity above are rules for patches and do not count here."
    )
    left, middle, right = st.columns(3, vertical_alignment="bottom")
    hardest = left.number_input(
        "Hardest patches a frame", 1, 1000, 3, 1, key="hardness-hardest", help="Whose mean is the frame's score."
    )
    keep = middle.number_input(
        "Share of frames kept, in %",
        0.1,
        100.0,
        None,
        1.0,
        key="hardness-keep",
        placeholder="all between the margins",
        help="The hardest between the margins; filled up from outside them where there are too few.",
    )
    name = right.text_input("Name", key="hardness-name", placeholder=VInformation.NAME, max_chars=100).strip()
    rules = shown.rules
    upper = 1.0 if rules.upper is None else rules.upper
    if rules.lower >= upper:
        forms.problem("both margins are the same, so no frame would be kept; move them apart")
        return
    kept = None if keep is None else float(keep) / 100
    try:
        number = frames_kept(shown, hardest=int(hardest), keep=kept)
    except DataEffError as error:
        forms.problem(str(error))
        return
    total = len(shown.dataset.frames)
    st.markdown(
        f"It would keep **{counted(number, 'frame')}** of {count(total)}, {share(number / total)}, by its margins "
        "and by what reviewers have decided."
    )
    argv = [*selecting(shown, hardest=int(hardest), keep=kept), *([option("name", name)] if name else [])]
    if st.button("Save selection", type="primary", key="hardness-save-go", disabled=not visitor.may("run")):
        jobs_panel.start(shown.workspace, argv)
        st.rerun()
    with st.expander("The same in a shell"):
        commands.draw(shown.workspace, argv)


def selecting(shown: Shown, *, hardest: int = 3, keep: float | None = None) -> list[str]:
    """The command that keeps frames between the margins."""
    argv = ["select", shown.dataset.id, option("method", VInformation.NAME)]
    argv += [option("set", f"{name}={value}") for name, value in _settings(shown, hardest).items()]
    return [*argv, *([] if keep is None else [option("keep", f"{keep:g}")])]


def frames_kept(shown: Shown, *, hardest: int = 3, keep: float | None = None) -> int:
    """How many frames that command would keep, reviewers' decisions on top. Raises BadInput as it would."""
    return _frames_kept(str(shown.workspace.root), shown.opened.standing, _settings(shown, hardest), keep)


@st.cache_data(max_entries=64, show_spinner=False)
def _frames_kept(
    root: str, standing: tuple[str, str, int, bool], settings: dict[str, str], keep: float | None
) -> int:
    folder, record, _, _ = standing
    dataset = Dataset(Path(folder), DatasetRecord.model_validate_json(record))
    selector = VInformation.model_validate(settings)
    selection = selector.select(pool_of(Workspace(Path(root)), dataset, None), keep=keep)
    pinned, _ = with_pins(dataset, decisions_of(selection), keep)
    return int((pinned["decision"] == "kept").sum())


def _settings(shown: Shown, hardest: int) -> dict[str, str]:
    rules = shown.rules
    upper = 1.0 if rules.upper is None else rules.upper
    return {
        "lower": f"{rules.lower:g}",
        "upper": f"{upper:g}",
        "hardest": str(hardest),
        "hardness": shown.opened.scored.id,
    }

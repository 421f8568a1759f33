"""What the margins are for: a selection of whole frames, and a dataset of mosaics; both as jobs."""

import itertools
from pathlib import Path

import streamlit as st

from dataeff_core.mosaics.layout import MosaicRules
from dataeff_core.selection.vinformation import VInformation
from dataeff_core.ui import commands, forms, jobs_panel, visitor
from dataeff_core.ui.commands import option
from dataeff_core.ui.hardness.opening import Shown
from dataeff_core.ui.quantities import count
from dataeff_core.workspace import Workspace
from dataeff_core.workspace.records import slug


def draw_selection(shown: Shown) -> None:
    """Save whole frames by `vinformation` with these margins."""
    rules = shown.rules
    st.markdown("**Keep hard frames**")
    st.caption(
        "The same quantiles, now of frames: a frame's score is the mean hardness of its hardest patches (our choice; "
        "OptiDEL selects patches). Budget, limits and diversity above are rules for patches and do not count here."
    )
    hardest = st.number_input(
        "Hardest patches a frame", 1, 1000, 3, 1, key="hardness-hardest", help="Whose mean is the frame's score."
    )
    keep = st.number_input(
        "Share of frames kept, in %",
        0.1,
        100.0,
        None,
        1.0,
        key="hardness-keep",
        placeholder="all between the margins",
        help="The hardest between the margins; filled up from outside them where there are too few.",
    )
    name = st.text_input("Name", key="hardness-name", placeholder=VInformation.NAME, max_chars=100).strip()
    upper = 1.0 if rules.upper is None else rules.upper
    if rules.lower >= upper:
        forms.problem("both margins are the same, so no frame would be kept; move them apart")
        return
    argv = selecting(shown, hardest=int(hardest), keep=None if keep is None else float(keep) / 100)
    _draw_start(shown.workspace, "Save selection", [*argv, *([option("name", name)] if name else [])], key="save")


def draw_mosaics(shown: Shown, mosaics: MosaicRules, most: int, seed: int) -> None:
    """Make the mosaics and register them as a dataset to pre-train on."""
    st.markdown("**Make mosaics**")
    st.caption(
        "Written as images with a manifest of their patches, and registered as a dataset: choose it in "
        "the sidebar and pre-train on it."
    )
    number = st.number_input(
        "How many",
        1,
        most,
        None,
        1,
        key="hardness-number",
        placeholder=f"all {count(most)}",
        help="Of the hardest of the chosen patches.",
    )
    name = st.text_input(
        "Name of the dataset", f"{shown.dataset.record.name} mosaics", key="hardness-as", max_chars=100
    )
    if (said := _refused(shown.workspace, name.strip())) != "":
        forms.problem(said)
        return
    argv = assembling(
        shown,
        mosaics,
        out=target(shown.workspace, name.strip()),
        name=name.strip(),
        number=None if number is None else int(number),
        seed=seed,
    )
    _draw_start(shown.workspace, "Make mosaics", argv, key="mosaics")


def selecting(shown: Shown, *, hardest: int = 3, keep: float | None = None) -> list[str]:
    """The command that keeps frames between the margins."""
    rules = shown.rules
    upper = 1.0 if rules.upper is None else rules.upper
    settings = {
        "lower": f"{rules.lower:g}",
        "upper": f"{upper:g}",
        "hardest": str(hardest),
        "hardness": shown.opened.scored.id,
    }
    argv = ["select", shown.dataset.id, option("method", VInformation.NAME)]
    argv += [option("set", f"{name}={value}") for name, value in settings.items()]
    return [*argv, *([] if keep is None else [option("keep", f"{keep:g}")])]


def assembling(
    shown: Shown,
    mosaics: MosaicRules,
    *,
    out: Path,
    name: str,
    number: int | None = None,
    seed: int = 0,
) -> list[str]:
    """The command that makes mosaics and registers them."""
    argv = ["mosaics", shown.dataset.id, option("hardness", shown.opened.scored.id)]
    argv += [*forms.options(shown.rules), *forms.options(mosaics)]
    argv += [] if number is None else [option("count", number)]
    return [*argv, option("out", out), option("import", name), option("seed", seed)]


def target(workspace: Workspace, name: str) -> Path:
    """A folder below the workspace's exports that is not there yet."""
    first = workspace.root / "exports" / f"{slug(name)}"
    numbered = (first.with_name(f"{first.name}-{number}") for number in itertools.count(2))
    return next(path for path in itertools.chain([first], numbered) if not path.exists())


def _refused(workspace: Workspace, name: str) -> str:
    """Why mosaics cannot be registered under that name; '' where they can. An import under a name that is taken
    would put them among that dataset's frames."""
    if not name:
        return "the dataset needs a name"
    if any(name in (one.record.name, one.id) for one in workspace.datasets()):
        return f"there is a dataset {name!r} already; give another name"
    return ""


def _draw_start(workspace: Workspace, title: str, argv: list[str], *, key: str) -> None:
    if st.button(title, type="primary", key=f"hardness-{key}-go", disabled=not visitor.may("run")):
        jobs_panel.start(workspace, argv)
        st.rerun()
    commands.draw(workspace, argv)

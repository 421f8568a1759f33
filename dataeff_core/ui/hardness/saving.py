"""The selection of patches: saved as a set of mosaics to pre-train on, listed, and written as images on demand."""

import itertools
from pathlib import Path

import streamlit as st

from dataeff_core.errors import DataEffError
from dataeff_core.mosaics.layout import MosaicRules
from dataeff_core.mosaics.saving import save_mosaics
from dataeff_core.ui import commands, forms, jobs_panel, visitor
from dataeff_core.ui.commands import option
from dataeff_core.ui.hardness import sheet
from dataeff_core.ui.hardness.opening import Shown
from dataeff_core.ui.pretrain import mosaic_sets
from dataeff_core.ui.pretrain.subjects import SOURCE
from dataeff_core.ui.quantities import count, counted, literal, share, when
from dataeff_core.workspace import Dataset, MosaicSet, Workspace
from dataeff_core.workspace.records import slug

MOST_LISTED = 12
_SAVED = "hardness-saved"


def draw(shown: Shown, mosaics: MosaicRules, most: int, seed: int) -> None:
    """Keep what the page shows under a name, and go on to train on it."""
    left, middle, right = st.columns([4, 3, 3], vertical_alignment="bottom")
    usual = usual_name(shown)
    name = left.text_input("Name", key="hardness-set-name", placeholder=usual, max_chars=100).strip() or usual
    number = middle.number_input(
        "How many",
        1,
        most,
        None,
        1,
        key=sheet.NUMBER,
        placeholder=f"all {count(most)}",
        help="No more patches are taken than these are made of: the hardest, or as the rules say.",
    )
    wanted = None if number is None else int(number)
    if right.button(
        "Save these mosaics",
        type="primary",
        key="hardness-set-go",
        icon=":material/bookmark_add:",
        disabled=not visitor.may("run"),
        width="stretch",
    ):
        _save(shown, mosaics, name, wanted, seed)
    _draw_saved(shown)
    st.caption(
        "Kept is which patch stands where: no picture is copied. Training cuts the patches from the originals and "
        "puts them together while it runs. In our own small trial mosaics scored lower than as many frames drawn by "
        "chance (docs/evidence.md): compare both on *Results* before you rely on them."
    )
    with st.expander("The same in a shell"):
        commands.draw(shown.workspace, laying_out(shown, mosaics, name=name, number=wanted, seed=seed))
    with st.expander("Write them as images instead", key="hardness-images", on_change="ignore"):
        _draw_images(shown, mosaics, wanted, seed)


def draw_sets(workspace: Workspace, dataset: Dataset) -> None:
    """The saved sets of the dataset, newest first, each with the way to train on it."""
    found = list(reversed(workspace.mosaic_sets(dataset)))
    if not found:
        return
    st.markdown(f"**Saved mosaics** :gray[{count(len(found))}]")
    for one in found[:MOST_LISTED]:
        _draw_set(dataset, one)
    if len(found) > MOST_LISTED:
        st.caption(f"{count(len(found) - MOST_LISTED)} older ones stand in the list of the Pre-train page.")


def usual_name(shown: Shown) -> str:
    """'hard 50-98 %': what a set is called where no name is given."""
    rules = shown.rules
    return f"hard {100 * rules.lower:g}-{100 * (1 if rules.upper is None else rules.upper):g} %"


def laying_out(
    shown: Shown, mosaics: MosaicRules, *, name: str, number: int | None = None, seed: int = 0
) -> list[str]:
    """The command that saves the mosaics under a name."""
    return [*_of_patches(shown, mosaics, number), option("name", name), option("seed", seed)]


def assembling(
    shown: Shown, mosaics: MosaicRules, *, out: Path, name: str, number: int | None = None, seed: int = 0
) -> list[str]:
    """The command that writes the mosaics as images and registers them as a dataset."""
    return [*_of_patches(shown, mosaics, number), option("out", out), option("import", name), option("seed", seed)]


def target(workspace: Workspace, name: str) -> Path:
    """A folder below the workspace's exports that is not there yet."""
    first = workspace.root / "exports" / f"{slug(name)}"
    numbered = (first.with_name(f"{first.name}-{number}") for number in itertools.count(2))
    return next(path for path in itertools.chain([first], numbered) if not path.exists())


def _save(shown: Shown, mosaics: MosaicRules, name: str, number: int | None, seed: int) -> None:
    visitor.require("run")
    try:
        with st.spinner("Saving …", show_time=True):
            kept = save_mosaics(
                shown.dataset, shown.opened.scored, shown.rules, mosaics, count=number, seed=seed, name=name
            )
    except DataEffError as error:
        st.error(literal(str(error)), icon=":material/error:")
        return
    st.session_state[_SAVED] = kept.id


def _draw_saved(shown: Shown) -> None:
    """The set saved last, until another dataset is at hand."""
    found = {one.id: one for one in shown.workspace.mosaic_sets(shown.dataset)}
    if (kept := found.get(st.session_state.get(_SAVED, ""))) is None:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(
            f":material/check_circle: Saved as **{literal(kept.record.name)}** ({literal(kept.id)}): "
            f"{mosaic_sets.told(kept.record.mosaics, kept.record.tiling)}.",
            width="content",
        )
        _draw_train(kept, key="hardness-train-saved")


def _draw_set(dataset: Dataset, kept: MosaicSet) -> None:
    record = kept.record
    with st.container(border=True):
        told, terms, way = st.columns([6, 4, 3], vertical_alignment="center")
        told.markdown(
            f"**{literal(mosaic_sets.title(record))}** :gray[{when(record.created)}]  \n"
            f":small[{mosaic_sets.told(record.mosaics, record.tiling)}, {mosaic_sets.margins(record.patches)}, of "
            f"{counted(record.frames, 'frame')}; {share(record.retained)} as many images as frames]"
        )
        terms.markdown(
            f":small[H(Y|∅) {record.nothing:.3f} − H(Y|X) {record.given:.3f} = "
            f"{record.nothing - record.given:.3f}  \nnats a value]",
            help=literal(record.warning) if record.warning else None,
        )
        with way:
            if record.dataset_fingerprint != dataset.fingerprint:
                st.caption(":material/history: out of date: frames have changed since")
            else:
                _draw_train(kept, key=f"hardness-train-{record.id}")


def _draw_train(kept: MosaicSet, *, key: str) -> None:
    if st.button("Pre-train on it", key=key, icon=":material/model_training:"):
        st.session_state[SOURCE] = kept.id
        st.switch_page("pages/pretrain.py")


def _draw_images(shown: Shown, mosaics: MosaicRules, number: int | None, seed: int) -> None:
    """Make the mosaics and register them as a dataset of their own."""
    st.caption(
        "For other programs: PNG files with a manifest of their patches, registered as a dataset of their own. To "
        "train here, saving is enough."
    )
    name = st.text_input(
        "Name of the dataset", f"{shown.dataset.record.name} mosaics", key="hardness-as", max_chars=100
    ).strip()
    if (said := _refused(shown.workspace, name)) != "":
        forms.problem(said)
        return
    argv = assembling(shown, mosaics, out=target(shown.workspace, name), name=name, number=number, seed=seed)
    if st.button("Write images", key="hardness-mosaics-go", disabled=not visitor.may("run")):
        jobs_panel.start(shown.workspace, argv)
        st.rerun()
    commands.draw(shown.workspace, argv)


def _refused(workspace: Workspace, name: str) -> str:
    """Why mosaics cannot be registered under that name; '' where they can. An import under a name that is taken
    would put them among that dataset's frames."""
    if not name:
        return "the dataset needs a name"
    if any(name in (one.record.name, one.id) for one in workspace.datasets()):
        return f"there is a dataset {name!r} already; give another name"
    return ""


def _of_patches(shown: Shown, mosaics: MosaicRules, number: int | None) -> list[str]:
    argv = ["mosaics", shown.dataset.id, option("hardness", shown.opened.scored.id)]
    argv += [*forms.options(shown.rules), *forms.options(mosaics)]
    return [*argv, *([] if number is None else [option("count", number)])]

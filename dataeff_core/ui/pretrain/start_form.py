"""The form of a new run: on which images, how, for how long; what that costs; and one button."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from dataeff_core.datasets import roots
from dataeff_core.errors import BadInput, DataEffError
from dataeff_core.pretraining import METHODS, PRESETS, Preset, budgets, make
from dataeff_core.pretraining.base import PretrainingMethod
from dataeff_core.ui import assets, commands, forms, fragments, jobs_panel, visitor, words
from dataeff_core.ui.commands import option
from dataeff_core.ui.pretrain import subjects
from dataeff_core.ui.pretrain.estimate import draw_estimate
from dataeff_core.ui.pretrain.subjects import Subject
from dataeff_core.ui.quantities import count, counted, literal
from dataeff_core.workspace import Dataset, Workspace

SECTIONS = {
    "method": "The method's own settings",
    "network": "Network",
    "training": "Training",
    "augmentation": "How images are changed before the network sees them",
}
EQUAL_WORK, EQUAL_PASSES = "equal images seen", "equal passes"


@dataclass(frozen=True)
class Length:
    """How long to train: as many passes, or as many images seen, as option for the command line."""

    budget: budgets.Budget
    argument: str


def draw(workspace: Workspace, dataset: Dataset, *, started: Callable[[str], None]) -> None:
    """The form, in the place where it is called; `started` is told the id of the job that the button starts."""
    fragments.draw(_draw, workspace, dataset, started)


def start_command(
    subject: str, method: PretrainingMethod, preset: Preset, length: str, *, seed: int, name: str
) -> list[str]:
    """The command line of a run; settings that are the preset's are left to it."""
    usual = make(method.NAME, preset=preset.name)
    argv = ["pretrain", subject, option("method", method.NAME), option("preset", preset.name)]
    argv += [*forms.options(method, usual), length, option("seed", seed)]
    return [*argv, option("name", name.strip())] if name.strip() else argv


def _draw(workspace: Workspace, dataset: Dataset, started: Callable[[str], None]) -> None:
    st.html(assets.FOLDER / "pretrain_page.css")
    left, right = st.columns([5, 4], gap="large")
    with left:
        subject = subjects.draw_field(workspace, dataset)
        method_class = _method_field()
        preset = _preset_field()
        length_place = st.container()  # the length depends on settings drawn below it
        st.markdown("**Settings** :gray[:small[closed ones keep the preset's values, and what you changed]]")
        method = forms.draw_sections(
            method_class,
            key=f"pretrain-{method_class.NAME}-{preset.name}",
            sections=SECTIONS,
            values=preset.values_for(method_class),
        )
        seed, name = _draw_identity()
    length = None
    if method is not None and subject is not None:
        with length_place:
            length = _length_field(subject, method)
    with right:
        _draw_summary(workspace, subject, method, preset, length, seed=seed, name=name, started=started)


def _method_field() -> type[PretrainingMethod]:
    by_name = {one.NAME: one for one in METHODS}
    chosen = st.radio(
        "How it learns",
        list(by_name),
        format_func=lambda one: literal(by_name[one].TITLE),
        key="pretrain-method",
        persist_state="session",
        help="Without any labels: the images themselves are the task.",
    )
    return by_name[chosen or METHODS[0].NAME]


def _preset_field() -> Preset:
    by_name = {one.name: one for one in PRESETS}
    chosen = st.segmented_control(
        "How large",
        list(by_name),
        format_func=lambda one: by_name[one].title,
        default=PRESETS[0].name,
        required=True,
        key="pretrain-preset",
        persist_state="session",
    )
    preset = by_name[chosen or PRESETS[0].name]
    st.caption(literal(preset.description))
    return preset


def _draw_identity() -> tuple[int, str]:
    left, right = st.columns([1, 2])
    seed = left.number_input(
        words.label("seed"),
        0,
        2**31 - 1,
        0,
        key="pretrain-seed",
        help=words.help_of("seed"),
        persist_state="session",
    )
    name = right.text_input(
        "Name", key="pretrain-name", placeholder="name, if you like", max_chars=100, persist_state="session"
    )
    return int(seed), name


def _length_field(subject: Subject, method: PretrainingMethod) -> Length | None:
    """How many passes; for anything but all frames, both lengths that compare with training on these."""
    total, images = len(subject.dataset.frames), len(subject)
    passes = int(
        st.number_input(
            f"Passes over all {counted(total, 'frame')}",
            1,
            1_000_000,
            budgets.DEFAULT_EPOCHS,
            key="pretrain-passes",
            help="One pass shows the network each frame once.",
            persist_state="session",
        )
    )
    try:
        if subject.whole:
            budget = budgets.budget(images, method.batch_size, epochs=passes)
            st.caption(told_length(budget, subject.ONE))
            return Length(budget, option("epochs", passes))
        lengths = {
            EQUAL_WORK: budgets.budget(images, method.batch_size, images_seen=passes * total),
            EQUAL_PASSES: budgets.budget(images, method.batch_size, epochs=passes),
        }
    except BadInput as error:
        forms.problem(str(error))
        told = forms.title_of("batch_size", type(method).model_fields["batch_size"])
        st.caption(f"batch_size stands as “{told}” under {SECTIONS['training']}.")
        return None
    share = lengths[EQUAL_PASSES].images_seen / lengths[EQUAL_WORK].images_seen
    about = {
        EQUAL_WORK: f"as much work as {counted(passes, 'pass', 'passes')} over all {count(total)}",
        EQUAL_PASSES: f"{100 * share:.0f}\u202f% of that work",
    }
    chosen = st.radio(
        "What is equal to training on everything",
        list(lengths),
        format_func=str.capitalize,
        captions=[f"{told_length(lengths[one], subject.ONE)}: {about[one]}" for one in lengths],
        key="pretrain-equal",
        help="Papers compare at equal images seen: fewer images are shown more often, so that both cost the same.",
        persist_state="session",
    )
    if chosen == EQUAL_PASSES:
        return Length(lengths[EQUAL_PASSES], option("epochs", passes))
    return Length(lengths[EQUAL_WORK], option("images-seen", passes * total))


def told_length(budget: budgets.Budget, one: str = "frame") -> str:
    """'40 passes over 178 frames, 7 120 images seen' (whole steps: a last one takes from the next pass); `one` is
    what an image is called."""
    passes = counted(budget.epochs, "pass", "passes")
    return f"{passes} over {counted(budget.images, one)}, {counted(budget.images_seen, 'image')} seen"


def _draw_summary(
    workspace: Workspace,
    subject: Subject | None,
    method: PretrainingMethod | None,
    preset: Preset,
    length: Length | None,
    *,
    seed: int,
    name: str,
    started: Callable[[str], None],
) -> None:
    """What it costs, what to mind, the button, and the same as a command line."""
    with st.container(border=True, key="pretrain-summary"):
        st.markdown("**Before it starts**")
        fits = method is not None and _weights_fit(method) and _patches_fit(method) and _seams_fit(subject, method)
        if subject is None or method is None or length is None or not fits:
            st.caption("Something cannot be used yet; the sentence in red says what.")
            st.button("Start", type="primary", icon=":material/play_arrow:", disabled=True, key="pretrain-go")
            return
        draw_estimate(workspace, method, length.budget, subject.warnings(method))
        argv = start_command(subject.id, method, preset, length.argument, seed=seed, name=name)
        if st.button(
            "Start",
            type="primary",
            icon=":material/play_arrow:",
            key="pretrain-go",
            width="stretch",
            disabled=not visitor.may("run"),
        ):
            try:
                job = jobs_panel.start(workspace, argv)[0]
            except DataEffError as error:
                forms.problem(str(error))
                return
            started(job.id)
            st.rerun(scope="app")
        st.caption("It runs in the background: you may close the browser, and stop it and go on at any time.")
        st.caption("The same from a shell")
        commands.draw(workspace, argv)


def _weights_fit(method: PretrainingMethod) -> bool:
    """Whether the file to start from can be used; says why not."""
    if method.start_from is None:
        return True
    if not method.start_from.strip():
        forms.problem("the file to start from is empty; name one, or switch it off")
        return False
    try:
        path = roots.allowed(Path(method.start_from).expanduser(), roots.allowed_roots())
    except BadInput as error:
        forms.problem(str(error))
        return False
    if not path.is_file():
        forms.problem(f"the file to start from, {path}, is not there; check the path")
    return path.is_file()


def _patches_fit(method: PretrainingMethod) -> bool:
    """Whether the patches divide the image, as far as the network's name tells without building it."""
    named = re.search(r"patch(\d+)", method.model)
    patch = method.patch_size or (int(named[1]) if named else 1)
    if method.image_size % patch:
        near = max(patch, round(method.image_size / patch) * patch)
        forms.problem(f"image size {method.image_size} is not a multiple of the patch size {patch}; use {near}")
        return False
    return True


def _seams_fit(subject: Subject | None, method: PretrainingMethod) -> bool:
    """Whether the method can train on such images: the seams of mosaics must lie between the network's patches."""
    said = subject.problem(method) if subject is not None else ""
    if said:
        forms.problem(said)
        told = forms.title_of("image_size", type(method).model_fields["image_size"])
        st.caption(f"image_size stands as “{told}” under {SECTIONS['network']}.")
    return not said

"""The import form: what to import, how its frames belong together, and how that would look, before it starts."""

import os
from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from dataeff_core import jobs
from dataeff_core.datasets import grouping, roots
from dataeff_core.datasets.names import shown
from dataeff_core.datasets.walking import kind_of
from dataeff_core.errors import BadInput, NotFound
from dataeff_core.jobs import Job
from dataeff_core.ui import fragments, jobs_panel
from dataeff_core.ui.commands import option
from dataeff_core.ui.forms import problem
from dataeff_core.ui.import_preview import Preview, draw_preview, preview_of
from dataeff_core.ui.quantities import literal
from dataeff_core.workspace import Workspace

MOST_COMPLETIONS = 10
BY_FOLDER, BY_NAME, BY_TABLE = "by folder", "by file name", "by a table"
EXAMPLES = {
    "{group}_{order}*": "patient7_0042.jpg → patient7, 42nd",
    "{group}-*": "caseA-left.png → caseA",
    "{group}/*": "clinic/p12/0042.jpg: one folder a patient",
}
SOURCE, AWAITED = "import-source", "import-awaited"


def draw(workspace: Workspace, *, known_names: Sequence[str]) -> None:
    """Draw the form; its button starts an import in the background. Only the form itself runs again while typing."""
    fragments.draw(_draw, workspace, tuple(known_names))


def await_dataset(job: Job) -> None:
    """Remember that `job` (an import or a demo) makes a dataset that the visitor wants to see when it is done."""
    st.session_state[AWAITED] = job.id


def arrived(workspace: Workspace) -> str | None:
    """The id of the awaited dataset once its job is done, and only once; None until then."""
    awaited = st.session_state.get(AWAITED)
    if awaited is None:
        return None
    try:
        status = jobs.job(workspace, awaited).status
    except NotFound:
        status = None
    if status is not None and status.state not in jobs.ENDED:
        return None
    del st.session_state[AWAITED]
    return str(status.result["dataset"]) if status is not None and status.result else None


def import_command(
    source: str, name: str, *, fps: float | None, groups: str | None, masks: str, labels: str
) -> list[str]:
    """The command line of an import; what is empty is left out."""
    argv = ["import", source, option("name", name.strip())]
    argv += [option("fps", f"{fps:g}")] if fps is not None else []
    argv += [option("groups", groups)] if groups else []
    argv += [option("masks", masks)] if masks else []
    argv += [option("labels", labels)] if labels else []
    return argv


def _draw(workspace: Workspace, known_names: Sequence[str]) -> None:
    left, right = st.columns([5, 4], gap="large")
    with left:
        source = _source_field()
        name = _name_field(source, known_names)
    preview = preview_of(source) if source else None
    with left:
        fps = _fps_field(preview)
        groups, groups_fit = _groups_field(preview, source)
        masks, labels, sidecars_fit = _sidecar_fields()
    with right:
        draw_preview(preview, groups if groups_fit else None, source)
    ready = bool(source and name and groups_fit and sidecars_fit and preview is not None and len(preview.files))
    with left:
        if st.button("Import", type="primary", icon=":material/download:", disabled=not ready, key="import-go"):
            argv = import_command(str(source), name, fps=fps, groups=groups, masks=masks, labels=labels)
            started = jobs_panel.start(workspace, argv)
            await_dataset(started[0])
            st.rerun(scope="app")
        st.caption("Originals are only read: never moved, changed or deleted. The import runs in the background.")


def _source_field() -> Path | None:
    """The folder or video, with what could come next as buttons below."""
    typed = st.text_input(
        "Folder or video",
        key=SOURCE,
        live="300ms",
        placeholder="/path/to/images",
        help="A folder with images and videos in it, at any depth, or one video. Begin to type, or click a folder.",
    ).strip()
    try:
        allowed = roots.allowed_roots()
        inside = typed + "/" if typed and not typed.endswith("/") and Path(typed).expanduser().is_dir() else typed
        offered = roots.complete(inside, allowed)
        source = roots.allowed(Path(typed).expanduser(), allowed) if typed else None
    except BadInput as error:
        problem(str(error))
        return None
    _offer([one for one in offered if one.rstrip("/") != typed.rstrip("/")], typed)
    if source is None:
        return None
    if not source.exists():
        if not offered:
            problem(f"{shown(os.fsencode(source))} is not there; check the spelling, or click a folder above")
        return None
    if source.is_file() and kind_of(os.fsencode(source)) is None:
        problem(f"{source.name} is neither an image nor a video by its name; name a folder or a video")
        return None
    return source


def _offer(paths: Sequence[str], typed: str) -> None:
    """Folders and videos to go on to, as small buttons; and one step up."""
    with st.container(horizontal=True, gap="small"):
        if typed and Path(typed).parent != Path(typed):
            up = str(Path(typed.rstrip("/")).parent)
            _goto("..", up if up.endswith("/") else up + "/", ":material/arrow_upward:")
        for path in paths[:MOST_COMPLETIONS]:
            folder = path.endswith("/")
            text = path if not typed else path.rstrip("/").rpartition("/")[2]
            _goto(literal(text), path, ":material/folder:" if folder else ":material/movie:")
        if len(paths) > MOST_COMPLETIONS:
            st.caption(f"and {len(paths) - MOST_COMPLETIONS} more: type on")


def _goto(label: str, path: str, icon: str) -> None:
    def go() -> None:
        st.session_state[SOURCE] = path

    st.button(label, key=f"import-goto-{path}", icon=icon, type="tertiary", on_click=go)


def _name_field(source: Path | None, known_names: Sequence[str]) -> str:
    name = st.text_input(
        "Name of the dataset",
        value=_printable(source.name) if source else "",
        key=f"import-name-{source}",
        max_chars=200,
        help="What the dataset is called from now on. A name that is known already adds to that dataset.",
    )
    if source and not name.strip():
        problem("the dataset needs a name; type one")
    elif not name.isprintable():
        problem("the name has characters that cannot be shown; type it again")
        return ""
    elif name.strip() in known_names:
        st.caption(f":material/library_add: adds what is new to the dataset {literal(name)}; nothing is done twice")
    return name.strip()


def _printable(name: str) -> str:
    return "".join(character for character in name if character.isprintable())


def _fps_field(preview: Preview | None) -> float | None:
    if preview is None or not preview.videos:
        return None
    every = st.segmented_control(
        "Frames from videos",
        ["every frame", "some a second"],
        default="some a second",
        required=True,
        key="import-fps-how",
        help="Neighbouring frames of a video are nearly the same; a few a second are plenty to begin with.",
    )
    if every == "every frame":
        return 0.0
    return float(st.number_input("Frames a second", 0.1, 1000.0, 2.0, 0.5, key="import-fps", format="%.4g"))


def _groups_field(preview: Preview | None, source: Path | None) -> tuple[str | None, bool]:
    """The groups rule (None: by folder), and whether it can be used."""
    how = st.segmented_control(
        "Which frames belong together",
        [BY_FOLDER, BY_NAME, BY_TABLE],
        default=BY_FOLDER,
        required=True,
        key="import-groups-how",
        help="Frames of one patient, video or procedure form a group. No group is ever left without a kept frame "
        "unnoticed, and comparisons can be made group by group.",
    )
    if how == BY_FOLDER:
        st.caption("The first folder below the source is the group; each video is a group of its own.")
        return None, True
    if how == BY_NAME:
        return _pattern_field(preview, source)
    path = st.text_input("Table of groups", key="import-groups-csv", placeholder="/path/to/groups.csv", live="400ms")
    st.caption("A CSV file with the columns path and group and, if wanted, order.")
    rule, fits = _allowed_file(path, "table")
    return (rule or None), fits and bool(rule) and _rule_fits(rule, preview, source)


def _pattern_field(preview: Preview | None, source: Path | None) -> tuple[str | None, bool]:
    def take() -> None:
        st.session_state["import-groups-pattern"] = st.session_state["import-groups-example"]

    st.pills(
        "Examples",
        list(EXAMPLES),
        format_func=lambda one: literal(f"{one}   {EXAMPLES[one]}"),
        key="import-groups-example",
        on_change=take,
    )
    st.session_state.setdefault("import-groups-pattern", next(iter(EXAMPLES)))
    pattern = st.text_input(
        "Pattern of the file names",
        key="import-groups-pattern",
        live="300ms",
        help="Write {group} where the patient or video stands, {order} where the number stands, * for anything. "
        "With a slash the pattern is held against the path, else against the file name.",
    ).strip()
    if not pattern:
        problem("the pattern is empty; write {group} where the patient or video stands")
        return None, False
    return pattern, _rule_fits(pattern, preview, source)


def _rule_fits(rule: str, preview: Preview | None, source: Path | None) -> bool:
    try:
        grouping.check_rule(rule)
        if preview is not None and len(preview.files) and source is not None:
            grouping.assign(preview.files, rule, source.name)
    except BadInput as error:
        problem(str(error))
        return False
    return True


def _sidecar_fields() -> tuple[str, str, bool]:
    with st.expander("Masks and labels, if there are any", icon=":material/layers:"):
        masks = st.text_input(
            "Folder of masks",
            key="import-masks",
            placeholder="/path/to/masks",
            live="400ms",
            help="Each mask bears the name of its image; another extension is fine.",
        )
        masks, masks_fit = _allowed_file(masks, "folder of masks", folder=True)
        labels = st.text_input(
            "Table of labels",
            key="import-labels",
            placeholder="/path/to/labels.csv",
            live="400ms",
            help="A CSV file with a column path and a column for each label.",
        )
        labels, labels_fit = _allowed_file(labels, "table of labels")
    return masks, labels, masks_fit and labels_fit


def _allowed_file(typed: str, what: str, *, folder: bool = False) -> tuple[str, bool]:
    """The path as it is to be used ('' for none), and whether it can be; says why below the field if not."""
    if not typed.strip():
        return "", True
    try:
        path = roots.allowed(Path(typed.strip()).expanduser(), roots.allowed_roots())
    except BadInput as error:
        problem(str(error))
        return "", False
    if folder and not path.is_dir():
        problem(f"the {what} {path} is not there or is no folder; check the path")
    elif not folder and not path.is_file():
        problem(f"the {what} {path} is not there or is no file; check the path")
    elif not folder and path.suffix.lower() != ".csv":
        problem(f"the {what} {path.name} is no CSV file by its name; save it as .csv")
    else:
        return str(path), True
    return "", False

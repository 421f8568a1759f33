"""Which datasets an encoder can be scored on, and the fields that choose one and what has to be done there."""

from typing import Any

import streamlit as st

from dataeff_core.evaluation import TASKS, Task
from dataeff_core.ui import cached, forms
from dataeff_core.ui.quantities import counted, literal
from dataeff_core.workspace import Dataset, Workspace

LABEL = "label_"
MASKS = "masks"


def scorable(dataset: Dataset) -> dict[str, int]:
    """What a dataset offers to be scored on: 'masks' and label columns -> frames that have one."""
    frames = dataset.frames
    found = {MASKS: int(frames["mask_bytes"].notna().sum())}
    labels = [name for name in frames.columns if name.startswith(LABEL)]
    found |= {name.removeprefix(LABEL): int(frames[name].notna().sum()) for name in labels}
    return {name: there for name, there in found.items() if there}


def offered(workspace: Workspace) -> dict[str, tuple[Dataset, dict[str, int]]]:
    """Datasets that have masks or labels, newest first, by id."""
    found = [cached.dataset(workspace, one.id) for one in reversed(workspace.datasets())]
    told = {one.id: (one, scorable(one)) for one in found}
    return {name: (one, has) for name, (one, has) in told.items() if has}


def fitting(has: dict[str, int]) -> list[type[Task]]:
    """The tasks that need no more than that."""
    labels = any(name != MASKS for name in has)
    return [one for one in TASKS if (MASKS in has if one.NAME == "segmentation" else labels)]


def label_of(dataset: Dataset, has: dict[str, int]) -> str:
    """In a list: name and what it offers."""
    parts = [counted(there, "mask") if name == MASKS else f"label {name}" for name, there in has.items()]
    return f"{dataset.record.name} ({', '.join(parts[:3])}{' …' if len(parts) > 3 else ''})"


def draw_none() -> None:
    """What to do where there is nothing to score on."""
    st.markdown(
        "Encoders are scored on frames with **masks or labels** drawn by experts, and there are none yet. Import "
        "some together with their masks, from other patients than those that are trained on."
    )
    st.page_link("pages/data.py", label="Import some", icon=":material/photo_library:")


def dataset_field(
    there: dict[str, tuple[Dataset, dict[str, int]]], *, key: str, avoid: str = ""
) -> tuple[Dataset, dict[str, int]]:
    """The downstream dataset; not the one called `avoid` unless it is the only one."""
    ids = [*[one for one in there if one != avoid], *[one for one in there if one == avoid]]
    if st.session_state.get(key) not in ids:
        st.session_state.pop(key, None)
    chosen = st.selectbox(
        "Scored on",
        ids,
        format_func=lambda one: label_of(*there[one]),
        key=key,
        help="Frames with masks or labels, best of other patients than those trained on; copies are looked for.",
    )
    return there[chosen or ids[0]]


def task_field(has: dict[str, int], *, key: str) -> Task | None:
    """The task and its settings; None where something cannot be used."""
    by_name = {str(one.NAME): one for one in fitting(has)}
    name = next(iter(by_name))
    if len(by_name) > 1:
        name = str(
            st.radio(
                "What the network has to do",
                list(by_name),
                format_func=lambda one: literal(by_name[one].TITLE),
                key=f"{key}-task",
            )
        )
    task = by_name[name]
    labels = [one for one in has if one != MASKS]
    values: dict[str, Any] = {}
    if "label" in task.model_fields and labels:
        values["label"] = st.selectbox("Which label", labels, key=f"{key}-label")
    about = f"{key}-{task.NAME}-{values.get('label', '')}"
    return forms.draw_sections(task, key=about, sections={"": "How it is scored"}, values=values)

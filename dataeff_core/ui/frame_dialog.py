"""One frame in full: its original picture and all that is known of it."""

import numpy as np
import pandas as pd
import streamlit as st

from dataeff_core.datasets.quality import DESCRIBED
from dataeff_core.ui import frame_hardness, gallery, routes, state, words
from dataeff_core.ui.quantities import literal, size
from dataeff_core.workspace import Dataset


def show(dataset: Dataset, frame_id: str) -> None:
    """Open the dialog on one present frame. Raises NotFound."""
    frame = dataset.frame(frame_id)

    @st.dialog(literal(gallery.caption_of(frame)), width="large")
    def _show() -> None:
        picture, facts = st.columns([3, 2], gap="medium")
        with picture:
            gallery.draw_picture(
                routes.original_url(dataset.id, frame_id),
                fallback=routes.thumbnail_url(str(frame["sha256"])),
                alt=f"frame {frame['path']}",
                key=f"original-{frame_id}",
            )
        with facts:
            _draw_facts(frame)
            _draw_hardness(dataset, frame_id)
            _draw_quality(dataset.frames, frame)

    _show()


def _draw_facts(frame: pd.Series) -> None:
    facts = {"Group": str(frame["group"]), "File": str(frame["path"])}
    if not np.isnan(frame["time_s"]):
        facts["Time"] = f"{gallery.clock(float(frame['time_s']))}, frame {frame['frame_index']} of the video"
    facts["Size"] = f"{frame['width']} × {frame['height']} pixels, {size(int(frame['file_bytes']))}"
    if not state.plain_words():
        facts |= {"frame_id": str(frame["frame_id"]), "sha256": str(frame["sha256"])[:16] + "…"}
    st.markdown("  \n".join(f":gray[{name}] {literal(value)}" for name, value in facts.items()))


def _draw_hardness(dataset: Dataset, frame_id: str) -> None:
    """How hard the frame is to draw, where its patches were scored."""
    hardness = frame_hardness.known(state.workspace(), dataset).frames
    rows = np.flatnonzero(dataset.frames["frame_id"].to_numpy(dtype=object) == frame_id)
    if hardness is not None and len(rows):
        st.caption(f"{literal(hardness.said(int(rows[0])))}.", help=words.help_of("frame_hardness"))


def _draw_quality(frames: pd.DataFrame, frame: pd.Series) -> None:
    """Where the frame stands among the others, measure by measure: 0 the lowest of all, 100 the highest."""
    rows = []
    for name, measure in DESCRIBED.items():
        column = f"q_{name}"
        if column in frames and not pd.isna(frame[column]):
            place = float((frames[column] < frame[column]).mean())
            rows.append((measure.title, 100 * place, f"{frame[column]:.3g} {measure.unit}".strip()))
    if not rows:
        return
    table = pd.DataFrame(rows, columns=["Measure", "Among all frames", "Value"])
    st.dataframe(
        table,
        hide_index=True,
        width="stretch",
        height=320,
        column_config={
            "Among all frames": st.column_config.ProgressColumn(
                min_value=0, max_value=100, format="%.0f %%", help="The share of frames with a lower value."
            )
        },
    )

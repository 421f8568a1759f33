"""What an import would take: its first files, and the group each would be put into. No file is opened."""

import os
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import streamlit as st

from dataeff_core.datasets import grouping
from dataeff_core.datasets.names import shown
from dataeff_core.datasets.walking import kind_of
from dataeff_core.errors import BadInput
from dataeff_core.ui.forms import problem
from dataeff_core.ui.quantities import counted, literal

LOOKED_AT = 300  # files that the preview looks at; an import reads all
PREVIEW_ROWS = 6
MASK_FOLDERS = ("mask", "masks", "labels", "annotations", "segmentation", "segmentations", "ground_truth", "gt")


@dataclass(frozen=True)
class Preview:
    """The first files of a source, as an import would name them."""

    files: pd.DataFrame  # columns path, kind, frame_index: what `grouping.assign` reads
    more: bool  # whether the source holds more than was looked at

    @property
    def videos(self) -> int:
        return int((self.files["kind"] == "video").sum())


def preview_of(source: Path, most: int = LOOKED_AT) -> Preview:
    """The first `most` images and videos below `source`, folder by folder; opens none of them."""
    found: list[tuple[bytes, str]] = []
    top = os.fsencode(source)
    if source.is_file():
        found = [(os.fsencode(source.name), kind)] if (kind := kind_of(top)) else []
    for folder, folders, names in os.walk(top):
        folders[:] = sorted(one for one in folders if not one.startswith(b"."))
        relative = [os.path.relpath(os.path.join(folder, name), top) for name in sorted(names)]  # noqa: PTH118
        found += [(path, kind) for path in relative if (kind := kind_of(path)) and not path.startswith(b".")]
        if len(found) > most:
            break
    files = pd.DataFrame(
        [(shown(path), kind, 0) for path, kind in found[:most]], columns=["path", "kind", "frame_index"]
    )
    return Preview(files, len(found) > most)


def draw_preview(preview: Preview | None, groups: str | None, source: Path | None) -> None:
    """How the first names would be grouped."""
    st.markdown("**What will be imported**")
    if preview is None or source is None:
        st.caption("Choose a folder, and its first files stand here, with the group each would be put into.")
        return
    if preview.files.empty:
        problem(f"there are no images or videos in {shown(os.fsencode(source))}; choose another folder")
        return
    try:
        found = grouping.assign(preview.files, groups, source.name)
    except BadInput:
        return  # said below the field that it is about
    images = len(preview.files) - preview.videos
    least = "at least " if preview.more else ""
    parts = [counted(images, "image")] * bool(images) + [counted(preview.videos, "video")] * bool(preview.videos)
    st.caption(f"{least}{' and '.join(parts)} in {least}{counted(len(set(found.group)), 'group')}")
    table = pd.DataFrame({"File": preview.files["path"], "Group": found.group, "Number": found.order})
    varied = table.drop_duplicates("Group").head(PREVIEW_ROWS // 2)
    rows = pd.concat([varied, table.head(PREVIEW_ROWS)]).drop_duplicates().head(PREVIEW_ROWS).sort_index()
    columns = ["File", "Group"] + (["Number"] if rows["Number"].notna().any() else [])
    st.dataframe(rows[columns], hide_index=True, width="stretch")
    if masks := next((one.name for one in _folders(source) if one.name.lower() in MASK_FOLDERS), None):
        st.caption(
            f":material/lightbulb: There is a folder {literal(masks)} in it, whose pictures would count as frames. "
            "If they are masks, choose the folder of the images above and name this one as the folder of masks."
        )
    if found.unmatched:
        st.caption(f"{counted(found.unmatched, 'file')} of those looked at do not fit and go by folder")


def _folders(source: Path) -> list[Path]:
    """The folders right below `source`; none where it cannot be looked into."""
    try:
        return sorted(one for one in source.iterdir() if one.is_dir())
    except OSError:
        return []

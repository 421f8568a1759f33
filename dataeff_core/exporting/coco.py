"""Format `coco`: copies of the kept images, and the masks as COCO annotations.

Every connected region of one mask value is an annotation with an uncompressed run-length code, which holds the mask
exactly (COCO data format, "segmentation": {"counts", "size"}; runs go down the columns and begin with background).
Our choices: a mask of at most 16 values is a label map, value v being category v; any other is a grey picture of
one category, foreground from half its brightness on; a value in very many regions is one annotation, a crowd.
"""

import hashlib
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from dataeff_core.exporting.base import Format, Subset
from dataeff_core.exporting.copies import write_images
from dataeff_core.exporting.pictures import mask_file
from dataeff_core.reporting import Reporter
from dataeff_core.workspace.storage import write_atomically

FILE = "annotations.json"
MOST_LABELS = 16
MOST_REGIONS = 100


class Coco(Format):
    NAME: ClassVar[str] = "coco"
    TITLE: ClassVar[str] = "Copies of the kept images, with their masks as COCO annotations"

    def write(self, subset: Subset, folder: Path, reporter: Reporter) -> Iterator[tuple[str, str]]:
        yield from write_images(subset, folder, reporter)
        annotations = list(self._annotations(subset, reporter))
        values = sorted({int(one["category_id"]) for one in annotations})
        content = json.dumps(
            {
                "info": {"description": f"kept frames of {subset.dataset.record.name}"},
                "images": [_image(subset, row) for row in range(len(subset.kept))],
                "categories": [{"id": value, "name": f"mask value {value}"} for value in values],
                "annotations": [{"id": number, **one} for number, one in enumerate(annotations, 1)],
            }
        ).encode()
        write_atomically(folder / FILE, lambda stream: stream.write(content))
        yield FILE, hashlib.sha256(content).hexdigest()

    def _annotations(self, subset: Subset, reporter: Reporter) -> Iterator[dict[str, Any]]:
        rows = [row for row, name in enumerate(subset.mask_names) if name is not None]
        for row in reporter.over(rows, "reading masks"):
            content = mask_file(subset, row)
            if content is None:
                continue
            labels = label_map(content)
            size = (int(subset.cell(row, "height")), int(subset.cell(row, "width")))
            if labels is None or labels.shape != size:
                subset.fail(row, "is no picture of the image's size", mask=True)
                continue
            for value, region, crowd in regions(labels):
                yield {"image_id": row + 1, "category_id": value, "iscrowd": int(crowd), **outline(region)}


def label_map(content: bytes) -> np.ndarray | None:
    """(h, w) integers, 0 = background, from the bytes of a mask; None when they are no picture."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(content)) as image:
            values = np.asarray(image if image.mode in ("P", "L", "1", "I;16", "I") else image.convert("L"))
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError):
        return None
    values = values.astype(np.int64)
    if len(np.unique(values)) > MOST_LABELS:
        return (values * 2 > values.max()).astype(np.int64)
    return values


def regions(labels: np.ndarray) -> Iterator[tuple[int, np.ndarray, bool]]:
    """(value, (h, w) bool, False) for every 8-connected region of equal value but 0 in (h, w) labels; a value in
    more than 100 regions is one crowd, (value, all of them, True)."""
    from scipy import ndimage

    for value in np.unique(labels[labels != 0]):
        same = labels == value
        numbered, count = ndimage.label(same, structure=np.ones((3, 3)))
        if count > MOST_REGIONS:
            yield int(value), same, True
            continue
        for number in range(1, count + 1):
            yield int(value), numbered == number, False


def outline(region: np.ndarray) -> dict[str, Any]:
    """COCO's segmentation (run-length code), area in pixels and bbox [x, y, width, height] of an (h, w) bool."""
    rows, columns = np.flatnonzero(region.any(axis=1)), np.flatnonzero(region.any(axis=0))
    box = [columns[0], rows[0], columns[-1] - columns[0] + 1, rows[-1] - rows[0] + 1]
    return {
        "segmentation": {"counts": run_lengths(region), "size": list(region.shape)},
        "area": int(region.sum()),
        "bbox": [int(edge) for edge in box],
    }


def run_lengths(region: np.ndarray) -> list[int]:
    """Lengths of the runs of background, foreground, background, ... down the columns of an (h, w) bool."""
    flat = np.concatenate([[False], region.ravel(order="F")])
    starts = np.flatnonzero(flat[1:] != flat[:-1])
    return np.diff(np.concatenate([[0], starts, [region.size]])).tolist()


def _image(subset: Subset, row: int) -> dict[str, Any]:
    frame = subset.kept.iloc[row]
    return {
        "id": row + 1,
        "file_name": f"images/{subset.names[row]}",
        "width": int(frame["width"]),
        "height": int(frame["height"]),
        "frame_id": str(frame["frame_id"]),
    }

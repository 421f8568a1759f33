"""Format `webdataset`: tar shards with one image, one JSON file and perhaps one mask a sample, for streaming readers.

Shards are cut after a fixed number of samples and hold no times or owners, so equal subsets give equal shards.
"""

import io
import json
import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar

from dataeff_core.exporting.base import Format, Subset
from dataeff_core.exporting.copies import WRITING
from dataeff_core.exporting.csv_list import is_missing
from dataeff_core.exporting.pictures import mask_file, pictures, writing_order
from dataeff_core.reporting import Reporter
from dataeff_core.workspace.storage import file_sha256

SAMPLES_A_SHARD = 1000


class WebDataset(Format):
    NAME: ClassVar[str] = "webdataset"
    TITLE: ClassVar[str] = "Tar shards for streaming training data (WebDataset)"

    def places(self, subset: Subset) -> list[str | None]:
        found: list[str | None] = [None] * len(subset.kept)
        for shard, rows in _shards(subset):
            for row in rows:
                found[row] = f"{shard}/{_image_name(subset, row)}"
        return found

    def write(self, subset: Subset, folder: Path, reporter: Reporter) -> Iterator[tuple[str, str]]:
        reporter.phase("writing shards", len(subset.kept))
        for shard, rows in _shards(subset):
            if (folder / shard).is_file():
                reporter.advance(len(rows))
            else:
                failed_before = len(subset.failures)
                self._write_shard(subset, rows, folder / WRITING, reporter)
                if len(subset.failures) > failed_before:
                    continue
                (folder / WRITING).replace(folder / shard)
            yield shard, file_sha256(folder / shard)

    def _write_shard(self, subset: Subset, rows: Sequence[int], path: Path, reporter: Reporter) -> None:
        with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as tar:
            for row, content in pictures(subset, rows):
                _add(tar, _image_name(subset, row), content)
                mask = subset.mask_names[row]
                masked = mask_file(subset, row) if mask is not None else None
                if mask is not None and masked is not None:
                    _add(tar, f"{subset.cell(row, 'frame_id')}.mask{PurePosixPath(mask).suffix.lower()}", masked)
                _add(tar, f"{subset.cell(row, 'frame_id')}.json", _facts(subset, row))
                reporter.advance()


def _shards(subset: Subset) -> Iterator[tuple[str, list[int]]]:
    order = writing_order(subset)
    for number, start in enumerate(range(0, len(order), SAMPLES_A_SHARD)):
        yield f"shard-{number:06d}.tar", order[start : start + SAMPLES_A_SHARD]


def _image_name(subset: Subset, row: int) -> str:
    """Key and extension: a reader takes all up to the first dot as the sample's key."""
    return f"{subset.cell(row, 'frame_id')}{PurePosixPath(subset.names[row]).suffix.lower() or '.img'}"


def _facts(subset: Subset, row: int) -> bytes:
    names = ("frame_id", "path", "sha256", "group", "order", "kind", "frame_index", "time_s", "width", "height")
    labels = [name for name in subset.kept.columns if name.startswith("label_")]
    facts = {name: _plain(subset.cell(row, name)) for name in (*names, *labels)}
    return json.dumps(facts, sort_keys=True, allow_nan=False).encode()


def _plain(value: Any) -> Any:
    if is_missing(value):
        return None
    return value.item() if hasattr(value, "item") else value


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(content), 0o644
    tar.addfile(info, io.BytesIO(content))

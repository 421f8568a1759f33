"""Checking an export: its hashes, its own consistency, and on wish that the selection can be made again."""

from __future__ import annotations

import io
import json
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from dataeff_core.errors import BadInput
from dataeff_core.exporting.audit import FILE as AUDIT
from dataeff_core.exporting.audit import pins_in
from dataeff_core.exporting.csv_list import quoted
from dataeff_core.exporting.manifest import COLUMNS, MANIFEST, RECIPE, SCHEMA_VERSION, counts
from dataeff_core.exporting.reading import (
    Files,
    FolderExport,
    Unreadable,
    ZipExport,
    content,
    open_archive,
    open_export,
    sha256,
)
from dataeff_core.exporting.rerunning import differences
from dataeff_core.exporting.sums import FILE as SUMS
from dataeff_core.exporting.sums import read_sums
from dataeff_core.reporting import Reporter
from dataeff_core.workspace.originals import pixels_sha256
from dataeff_core.workspace.pins import overrides_fingerprint

if TYPE_CHECKING:
    import pandas as pd

Rerun = Callable[[dict[str, Any]], "pd.DataFrame"]
"""selection.json -> the decisions made anew, one row a frame: frame_id, decision, reason, representative_id, ...;
every column that the manifest has too is compared."""


@dataclass(frozen=True)
class VerifyResult:
    """What was found. `wrong` holds one sentence a fault; `checked` counts the files whose hash was looked at."""

    checked: int
    frames: int  # rows of the manifest
    rerun: bool  # whether the selection was made again
    wrong: list[str]

    @property
    def ok(self) -> bool:
        return not self.wrong


def verify(out: Path, *, rerun: Rerun | None = None, reporter: Reporter | None = None) -> VerifyResult:
    """Check the export at `out`, a folder or a zip file; with `rerun` also every decision.

    Raises NotFound when there is no export; whatever is wrong with one is in the result.
    """
    reporter = reporter or Reporter()
    files = open_export(out)
    try:
        check = _Check(files, reporter)
        check.hashes()
        recipe, manifest = check.recipe(), check.manifest()
        if recipe is not None and manifest is not None:
            check.consistency(recipe, manifest)
            check.pins(recipe, manifest)
            check.pictures(recipe, manifest)
            if rerun is not None:
                check.wrong += differences(manifest, rerun(recipe))
    finally:
        files.close()
    frames = 0 if manifest is None else len(manifest)
    return VerifyResult(len(check.sums), frames, rerun is not None, check.wrong)


@dataclass
class _Check:
    files: FolderExport | ZipExport
    reporter: Reporter
    wrong: list[str] = field(default_factory=list)
    sums: dict[str, str] = field(default_factory=dict)  # as SHA256SUMS says
    found: dict[str, str] = field(default_factory=dict)  # as the files are

    def hashes(self) -> None:
        """Every file against SHA256SUMS: missing, changed, extra."""
        if SUMS not in self.files.names:
            self.wrong.append(f"{SUMS} is missing")
            return
        try:
            self.sums = read_sums(content(self.files, SUMS))
        except (BadInput, Unreadable) as error:
            self.wrong.append(f"{SUMS}: {error}")
            return
        if isinstance(self.files, ZipExport):
            self.wrong += [f"{name} is in the archive more than once" for name in self.files.twice]
        for name, expected in self.reporter.over(self.sums.items(), "checking hashes", len(self.sums)):
            if name not in self.files.names:
                self.wrong.append(f"{name} is missing")
            elif (actual := self._hash(self.files, name, name)) is not None:
                self.found[name] = actual
                if actual != expected:
                    self.wrong.append(f"{name} has changed")
        extra = self.files.names - set(self.sums) - {SUMS}
        self.wrong += [f"{name} is not listed in {SUMS}" for name in sorted(extra)]
        self.wrong += [f"{name} is not listed in {SUMS}" for name in (MANIFEST, RECIPE) if name not in self.sums]

    def recipe(self) -> dict[str, Any] | None:
        """selection.json, None when it cannot be used."""
        try:
            recipe = json.loads(content(self.files, RECIPE)) if RECIPE in self.files.names else None
        except (Unreadable, ValueError) as error:
            self.wrong.append(f"{RECIPE} cannot be read ({error})")
            return None
        if not isinstance(recipe, dict) or recipe.get("schema_version") != SCHEMA_VERSION:
            self.wrong.append(f"{RECIPE} is no recipe of version {SCHEMA_VERSION}")
            return None
        return recipe

    def manifest(self) -> pd.DataFrame | None:
        """manifest.parquet, None when it cannot be used."""
        import pandas as pd
        import pyarrow as pa

        if MANIFEST not in self.files.names:
            return None  # said already
        try:
            manifest = pd.read_parquet(io.BytesIO(content(self.files, MANIFEST)))
        except (Unreadable, pa.ArrowException, OSError, ValueError) as error:
            self.wrong.append(f"{MANIFEST} cannot be read ({error})")
            return None
        missing = [name for name in (*COLUMNS, "file") if name not in manifest.columns]
        if missing:
            self.wrong.append(f"{MANIFEST} lacks the columns {', '.join(missing)}")
            return None
        return manifest

    def consistency(self, recipe: dict[str, Any], manifest: pd.DataFrame) -> None:
        """The manifest in itself and against the recipe's counts."""
        if manifest["frame_id"].duplicated().any():
            self.wrong.append(f"{MANIFEST} names a frame more than once")
        strange = sorted(set(manifest["decision"].astype(str)) - {"kept", "dropped"})
        if strange:
            self.wrong.append(f"{MANIFEST} has decisions other than kept and dropped: {', '.join(strange)}")
        if counts(manifest) != recipe.get("counts"):
            self.wrong.append(f"{MANIFEST} counts {counts(manifest)}, {RECIPE} says {recipe.get('counts')}")
        kept = set(manifest.loc[manifest["decision"] == "kept", "frame_id"])
        represented = manifest[(manifest["decision"] == "dropped") & manifest["representative_id"].notna()]
        for frame, stand_in in zip(represented["frame_id"], represented["representative_id"], strict=True):
            if stand_in not in kept:
                self.wrong.append(f"dropped frame {frame} is represented by {stand_in}, which is not kept")

    def pins(self, recipe: dict[str, Any], manifest: pd.DataFrame) -> None:
        """The reviewers' decisions in the manifest against the recipe and the trail."""
        pinned = manifest[manifest["override"].notna()]
        told = recipe.get("pins")
        if pinned.empty and told is None:
            return
        if not isinstance(told, dict) or told.get("fingerprint") != overrides_fingerprint(manifest):
            self.wrong.append(f"{MANIFEST} has other overrides than {RECIPE} says")
        against = pinned[pinned["override"] != pinned["decision"]]
        self.wrong += [f"frame {one} is not as the reviewer decided" for one in against["frame_id"]]
        if pinned.empty:
            return
        try:
            trail = pins_in(content(self.files, AUDIT)) if AUDIT in self.files.names else set()
        except (Unreadable, ValueError) as error:
            self.wrong.append(f"{AUDIT} cannot be read ({error})")
            return
        columns = [pinned[name].astype(str) for name in ("frame_id", "sha256", "override", "reviewer", "reviewed_at")]
        for frame, digest, decision, reviewer, at in zip(*columns, strict=True):
            if (digest, decision, quoted(reviewer), at) not in trail:
                self.wrong.append(f"the override of frame {frame} is not in {AUDIT}")

    def pictures(self, recipe: dict[str, Any], manifest: pd.DataFrame) -> None:
        """Every exported picture against the hash of its original in the manifest."""
        rows = manifest[manifest["file"].notna()]
        if recipe.get("format") not in ("manifest", "csv"):
            without = (manifest["decision"] == "kept") & manifest["file"].isna()
            self.wrong += [f"kept frame {frame} has no file" for frame in manifest.loc[without, "frame_id"]]
        places: dict[str, list[tuple[str, str, str]]] = defaultdict(list)
        for place, digest, kind in zip(rows["file"], rows["sha256"], rows["kind"], strict=True):
            archive, member = _split(str(place))
            places[archive].append((member, str(digest), str(kind)))
        for archive, members in places.items():
            self.reporter.phase("checking pictures", len(members))
            if not archive:
                self._pictures_in(self.files, members, "")
            elif archive in self.files.names:
                self._archive(archive, members)
            else:
                self.wrong.append(f"{archive} is missing")

    def _archive(self, archive: str, members: list[tuple[str, str, str]]) -> None:
        try:
            with self.files.open(archive) as stream:
                inner = open_archive(archive, stream)
                try:
                    self._pictures_in(inner, members, f"{archive}/")
                finally:
                    inner.close()
        except Unreadable as error:
            self.wrong.append(f"{archive} {error}")

    def _pictures_in(self, files: Files, members: list[tuple[str, str, str]], prefix: str) -> None:
        for name, digest, kind in members:
            shown = prefix + name
            if name not in files.names:
                self.wrong.append(f"{shown} is missing")
            elif kind == "image":
                actual = self.found.get(shown) or self._hash(files, name, shown)
                if actual is not None and actual != digest:
                    self.wrong.append(f"{shown} is not the image that {MANIFEST} names")
            elif not self._same_pixels(files, name, digest):
                self.wrong.append(f"{shown} is not the video frame that {MANIFEST} names")
            self.reporter.advance()

    def _hash(self, files: Files, name: str, shown: str) -> str | None:
        try:
            return sha256(files, name)
        except Unreadable as error:
            self.wrong.append(f"{shown} {error}")
            return None

    @staticmethod
    def _same_pixels(files: Files, name: str, digest: str) -> bool:
        import numpy as np
        from PIL import Image

        try:
            with Image.open(io.BytesIO(content(files, name)), formats=("PNG",)) as image:
                return pixels_sha256(np.asarray(image.convert("RGB"))) == digest
        except (Unreadable, OSError, SyntaxError, ValueError, Image.DecompressionBombError):
            return False


def _split(place: str) -> tuple[str, str]:
    """'subset.zip/images/a.png' -> ('subset.zip', 'images/a.png'); 'images/a.png' -> ('', 'images/a.png')."""
    first, *rest = PurePosixPath(place).parts
    return (first, "/".join(rest)) if rest and first.endswith((".zip", ".tar")) else ("", place)

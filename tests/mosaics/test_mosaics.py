import json
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from dataeff_core.cli import main
from dataeff_core.errors import BadInput, Conflict, Stale
from dataeff_core.hardness.choosing import PatchRules
from dataeff_core.hardness.scoring import Scorer, score
from dataeff_core.hardness.stored import Hardness
from dataeff_core.mosaics import assembling
from dataeff_core.mosaics.exporting import MANIFEST, RECIPE, SUMS, export_mosaics, plan
from dataeff_core.mosaics.layout import MosaicRules
from dataeff_core.mosaics.previewing import preview
from dataeff_core.patches.stored import PatchSet
from dataeff_core.workspace import Dataset, Run, Workspace
from tests.hardness.making import scored_workspace

Planted = tuple[Workspace, Dataset, PatchSet, Run]
ALL = PatchRules(lower=0, upper=None)


def exported(planted: Planted, scored: Hardness, out: Path, **rules: object) -> tuple[pd.DataFrame, Path]:
    asked = MosaicRules(**rules)  # type: ignore[arg-type]
    dataset = planted[1]
    planned = plan(dataset, scored, ALL, asked)
    export_mosaics(dataset, scored, planned, out, choice=ALL, rules=asked, workers=0)
    return pd.read_parquet(out / MANIFEST), out


def test_mosaic_pixels_are_their_sources_crops(planted: Planted, scored: Hardness, tmp_path: Path) -> None:
    """Cells of the patches' own size, so every pixel is one of its frame."""
    manifest, out = exported(planted, scored, tmp_path / "m", height=64, width=64)
    dataset = planted[1]
    files = {frame["frame_id"]: dataset.file(frame) for _, frame in dataset.frames.iterrows()}
    assert len(manifest) == 40
    assert manifest["patch_id"].is_unique
    for cell in manifest.itertuples():
        mosaic = np.asarray(Image.open(out / cell.file))
        frame = np.asarray(Image.open(files[cell.frame_id]).convert("RGB"))
        np.testing.assert_array_equal(
            mosaic[
                cell.cell_top : cell.cell_top + cell.cell_height, cell.cell_left : cell.cell_left + cell.cell_width
            ],
            frame[cell.top : cell.bottom, cell.left : cell.right],
        )
    assert (manifest.groupby("mosaic")["band"].nunique() == 4).all()


def test_blocks_do_not_change_what_is_made(
    planted: Planted, scored: Hardness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, whole = exported(planted, scored, tmp_path / "whole", height=96, width=64, aspect="pad")
    monkeypatch.setattr(assembling, "BLOCK_BYTES", 96 * 64 * 3 * 3)
    _, parts = exported(planted, scored, tmp_path / "parts", height=96, width=64, aspect="pad")
    assert (whole / SUMS).read_text() == (parts / SUMS).read_text()


def test_sums_and_recipe_hold(planted: Planted, scored: Hardness, tmp_path: Path) -> None:
    _, out = exported(planted, scored, tmp_path / "m")
    assert subprocess.run(["sha256sum", "-c", "--quiet", SUMS], cwd=out, check=False).returncode == 0
    recipe = json.loads((out / RECIPE).read_text())
    assert (recipe["hardness"], recipe["mosaics"], recipe["seed"]) == (scored.id, 10, 0)
    assert str(tmp_path) not in (out / RECIPE).read_text()
    with pytest.raises(Conflict, match="already there"):
        exported(planted, scored, out)


def test_a_lost_frame_leaves_its_mosaics_out(tmp_path: Path) -> None:
    workspace, dataset, patches, _ = scored_workspace(tmp_path, count=8)
    found = score(workspace, dataset, patches, Scorer(masks=1), device="cpu", workers=0)
    (tmp_path / "frames" / "02.png").unlink()
    planned = plan(dataset, found, ALL, MosaicRules())
    written = export_mosaics(dataset, found, planned, tmp_path / "m", choice=ALL, rules=MosaicRules(), workers=0)
    manifest = pd.read_parquet(tmp_path / "m" / MANIFEST)
    assert written.left_out > 0
    assert written.mosaics == 8 - written.left_out == manifest["mosaic"].nunique()
    assert dataset.frames["frame_id"][2] not in set(manifest["frame_id"])
    assert "cannot be read" in json.loads((tmp_path / "m" / RECIPE).read_text())["notes"]["left_out"]
    for path in (tmp_path / "frames").glob("*.png"):
        path.unlink()
    with pytest.raises(BadInput, match="not one of 8 mosaics"):
        export_mosaics(dataset, found, planned, tmp_path / "none", choice=ALL, rules=MosaicRules(), workers=0)
    assert not (tmp_path / "none").exists()


def test_patches_of_one_frame_and_changed_datasets_are_told(planted: Planted, scored: Hardness) -> None:
    dataset = planted[1]
    one = plan(dataset, scored, PatchRules(lower=0, upper=None, budget=1), MosaicRules(grid=1))
    assert "one frame" in one.notes["one_frame"]
    left = plan(dataset, scored, PatchRules(lower=0, upper=None, budget=7), MosaicRules())
    assert "3 of the 7" in left.notes["left_over"]
    changed = Dataset(dataset.folder, dataset.record.model_copy(update={"fingerprint": "other"}))
    with pytest.raises(Stale):
        plan(changed, scored, ALL, MosaicRules())


def test_the_verb_plans_writes_and_registers(
    planted: Planted, scored: Hardness, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    workspace, dataset, _, _ = planted
    arguments = ["mosaics", dataset.id, "--set", "lower=0.2", "--workspace", str(workspace.root)]
    assert main(arguments) == 0
    assert "would be made" in capsys.readouterr().out
    out = tmp_path / "m"
    assert main([*arguments, "--out", str(out), "--import", "made", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert len(workspace.dataset("made").frames) == result["mosaics"] == len(list((out / "images").iterdir()))
    assert result["information"] == pytest.approx(result["nothing"] - result["given"])
    assert result["counts"]["too_easy"] == 8
    assert main([*arguments, "--import", "made"]) == 2
    assert main([*arguments, "--set", "colour=red"]) == 2
    assert main([*arguments, "--out", str(out)]) == 2
    assert main([*arguments, "--count", "1000"]) == 2
    errors = capsys.readouterr().err.splitlines()
    assert sum(line.startswith("dataeff:") for line in errors) == 4


def test_the_whole_way_to_a_selection(planted: Planted, scored: Hardness, capsys: pytest.CaptureFixture[str]) -> None:
    """Frames chosen by their patches' hardness, through the verb and again from the recipe."""
    from dataeff_core.selection.saving import select_again

    workspace, dataset, _, _ = planted
    arguments = [
        "select",
        dataset.id,
        "--method",
        "vinformation",
        "--keep",
        "0.4",
        "--workspace",
        str(workspace.root),
    ]
    assert main([*arguments, "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert (result["kept"], result["params"]["hardness"]) != (0, "latest")
    saved = workspace.selection(result["selection"])
    assert select_again(workspace, saved).equals(saved.machine)
    assert set(saved.machine["reason"]) <= {"kept", "too_easy", "too_hard", "budget"}


def test_a_preview_is_the_mosaic_in_small(planted: Planted, scored: Hardness, tmp_path: Path) -> None:
    workspace, dataset = planted[:2]
    rules = MosaicRules(height=64, width=64)
    planned = plan(dataset, scored, ALL, rules)
    _, out = exported(planted, scored, tmp_path / "m", height=64, width=64)
    for number in range(2):
        made = np.asarray(Image.open(out / "images" / f"mosaic-{number:06d}.png")).astype(int)
        shown = preview(workspace, dataset, scored, planned.layout, number, longest=64).astype(int)
        assert shown.shape == made.shape
        cells = [(slice(top, top + 32), slice(left, left + 32)) for top in (0, 32) for left in (0, 32)]
        for cell in cells:  # thumbnails are lossy: colours agree, single pixels of noise do not
            np.testing.assert_allclose(shown[cell].mean(axis=(0, 1)), made[cell].mean(axis=(0, 1)), atol=6)
    with pytest.raises(BadInput, match="mosaic 10 is not in"):
        preview(workspace, dataset, scored, planned.layout, 10)


def test_patches_and_scores_are_listed(
    planted: Planted, scored: Hardness, capsys: pytest.CaptureFixture[str]
) -> None:
    workspace, _, patches, _ = planted
    for what, wanted in (("patches", patches.id), ("hardness", scored.id), ("proposers", "superpixels")):
        assert main(["list", what, "--workspace", str(workspace.root), "--json"]) == 0
        items = json.loads(capsys.readouterr().out)["items"]
        assert wanted in {item.get("id") or item["name"] for item in items}

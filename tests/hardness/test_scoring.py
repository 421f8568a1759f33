import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from dataeff_core import pretraining
from dataeff_core.cli import main
from dataeff_core.datasets.importing import import_frames
from dataeff_core.errors import BadInput, Cancelled, MissingWeights, NotFound, Stale
from dataeff_core.frame_reading.decoding import CHUNK
from dataeff_core.hardness.cropping import Cropping, crops
from dataeff_core.hardness.information import terms
from dataeff_core.hardness.mae_loading import find_run, load_mae
from dataeff_core.hardness.measuring import Measuring
from dataeff_core.hardness.scoring import Scorer, score
from dataeff_core.hardness.stored import Hardness, all_hardness, hardness_folder, hardness_of
from dataeff_core.patches import make
from dataeff_core.patches.proposing import propose
from dataeff_core.patches.stored import PatchSet
from dataeff_core.pretraining.pretraining import pretrain
from dataeff_core.reporting import Reporter
from dataeff_core.workspace import Dataset, Run, Workspace
from tests.hardness.making import GRID, SMALL, scored_workspace, write_frames

Planted = tuple[Workspace, Dataset, PatchSet, Run]


def measuring(workspace: Workspace, batch: int = 8, masks: int = 4) -> Measuring:
    network = load_mae(workspace).network
    return Measuring(network, device=torch.device("cpu"), masks=masks, visible=4, seed=0, batch=batch)


def test_planted_patches_are_ranked_right(scored: Hardness) -> None:
    """Noise is hardest, then texture, then a slope; a flat colour has nothing to draw."""
    table = scored.table
    kind = np.select(
        [(table["top"] == 0) & (table["left"] == 0), table["top"] == 0, table["left"] == 0],
        ["flat", "slope", "texture"],
        "noise",
    )
    flat, slope, texture, noise = (table["hardness"][kind == one] for one in ("flat", "slope", "texture", "noise"))
    assert (flat == 0).all()
    assert table["constant"][kind == "flat"].all()
    assert noise.min() > texture.max()
    assert texture.min() > slope.max() > 0
    assert len(table) == scored.record.patches == 40


def test_the_records_terms_are_the_tables(scored: Hardness) -> None:
    found = terms(scored.moments)
    assert (found.nothing, found.given) == pytest.approx((scored.record.nothing, scored.record.given), abs=1e-9)
    table = scored.table
    assert table["nothing"].mean() == pytest.approx(found.nothing, abs=1e-4)
    assert table["information"].mean() == pytest.approx(found.information, abs=1e-4)
    np.testing.assert_allclose(np.linalg.norm(scored.vectors.astype(np.float32), axis=1), 1, atol=2e-3)
    assert scored.vectors.shape == (40, 192)


def test_hardness_does_not_depend_on_who_is_in_the_batch(planted: Planted) -> None:
    workspace = planted[0]
    rng = np.random.default_rng(0)
    some = rng.integers(0, 256, (13, 32, 32, 3), np.uint8)
    work = measuring(workspace)
    together = work.measure(some)
    for order in (np.arange(13)[::-1], rng.permutation(13)):
        again = work.measure(some[order])
        np.testing.assert_allclose(again.error, together.error[order], rtol=1e-5)
        np.testing.assert_array_equal(again.constant, together.constant[order])
    alone = [work.measure(one[None]).error[0] for one in some]
    np.testing.assert_allclose(alone, together.error, rtol=1e-5)
    other = measuring(workspace, batch=5).measure(some)
    np.testing.assert_allclose(other.error, together.error, rtol=1e-4)
    assert work.measure(some[:0]).error.shape == (0,)


def test_the_error_is_the_maes_own_loss(planted: Planted) -> None:
    """One mask, pixels weighted alike: the network's training loss with that mask, in [0, 1] intensities."""
    workspace = planted[0]
    work = measuring(workspace, masks=1)
    network = work.network
    some = np.random.default_rng(1).integers(0, 256, (6, 32, 32, 3), np.uint8)
    numbers = torch.empty(16)
    numbers[torch.cat((work.visible[0], work.hidden[0]))] = torch.linspace(0, 0.99, 16)
    std, mean = (torch.tensor(one).view(1, 3, 1, 1) for one in (network.backbone.std, network.backbone.mean))
    images = torch.from_numpy(some).permute(0, 3, 1, 2) / 255
    with torch.inference_mode():
        drawn, hidden = network.reconstruct((images - mean) / std, numbers.expand(6, -1))
        squared = (drawn * std + mean - images).square()
    mask = hidden.view(6, 1, 4, 4).repeat_interleave(8, 2).repeat_interleave(8, 3).expand_as(squared)
    found = work.measure(some)
    for at in range(6):
        assert found.error[at] == pytest.approx(float(squared[at][mask[at]].mean()), rel=1e-4)
        assert found.square[at] == pytest.approx(float(images[at][mask[at]].square().mean()), rel=1e-4)


def test_crops_are_their_frames_pixels() -> None:
    image = np.random.default_rng(0).integers(0, 256, (40, 50, 3), np.uint8)
    np.testing.assert_array_equal(crops(image, np.array([[5, 7, 21, 23]]), 16)[0], image[5:21, 7:23])


class Stopping(Reporter):
    def stop_asked(self) -> bool:
        return self.phase_name == "scoring patches" and self.done >= 16


def test_a_stopped_scoring_goes_on_and_ends_alike(tmp_path: Path, planted: Planted, scored: Hardness) -> None:
    workspace, dataset, patches, _ = planted
    scorer = Scorer(mask_seed=1)
    with pytest.raises(Cancelled):
        score(workspace, dataset, patches, scorer, device="cpu", workers=0, batch=8, reporter=Stopping())
    reporter = Reporter()
    found = score(workspace, dataset, patches, scorer, device="cpu", workers=0, batch=8, reporter=reporter)
    assert found.table["patch_id"].tolist() == scored.table["patch_id"].tolist()
    assert score(workspace, dataset, patches, scorer, device="cpu").id == found.id
    assert not np.array_equal(found.table["error"], scored.table["error"])  # other masks
    np.testing.assert_allclose(np.corrcoef(found.table["error"], scored.table["error"])[0, 1], 1, atol=0.02)


def test_processes_score_what_one_scores(planted: Planted, scored: Hardness, tmp_path: Path) -> None:
    workspace, dataset, patches, _ = planted
    other = score(workspace, dataset, patches, Scorer(masks=5), device="cpu", workers=2, batch=7)
    again = measuring(workspace, masks=5, batch=7)
    row = other.table.iloc[17]
    frame = dataset.frames[dataset.frames["frame_id"] == row["frame_id"]].iloc[0]
    image = np.asarray(Image.open(dataset.file(frame)).convert("RGB"))
    box = np.array([[row["top"], row["left"], row["bottom"], row["right"]]])
    assert again.measure(crops(image, box, 32)).error[0] == pytest.approx(row["error"], rel=1e-4)


def test_a_lost_file_is_left_out_told_and_tried_again(tmp_path: Path) -> None:
    workspace, dataset, patches, _ = scored_workspace(tmp_path, count=8)
    lost = tmp_path / "frames" / "03.png"
    content = lost.read_bytes()
    lost.unlink()
    found = score(workspace, dataset, patches, Scorer(), device="cpu", workers=0)
    assert (found.record.unreadable, found.record.frames, len(found.table)) == (1, 7, 28)
    assert "cannot be read" in found.record.notes["unreadable"]
    lost.write_bytes(content)
    mended = score(workspace, dataset, patches, Scorer(), device="cpu", workers=0)
    assert (mended.id, mended.record.unreadable, len(mended.table)) == (found.id, 0, 32)


def test_no_mae_yet_says_how_to_get_one(tmp_path: Path, planted: Planted) -> None:
    workspace = Workspace.open(tmp_path / "w")
    import_frames(workspace, write_frames(tmp_path / "frames", 3), name="x", workers=1)
    dataset = workspace.dataset("x")
    patches = propose(workspace, dataset, make("grid", GRID), workers=0)
    with pytest.raises(NotFound, match="pretrain DATASET --method mae"):
        score(workspace, dataset, patches, Scorer())
    with pytest.raises(NotFound, match="run `patches"):
        hardness_of(dataset)
    changed = Dataset(dataset.folder, dataset.record.model_copy(update={"fingerprint": "other"}))
    with pytest.raises(Stale):
        score(workspace, changed, patches, Scorer())
    for arguments, said in (({"batch": 0}, "batch 0"), ({"workers": -1}, "workers -1")):
        with pytest.raises(BadInput, match=said):
            score(workspace, dataset, patches, Scorer(), **arguments)  # type: ignore[arg-type]


def test_runs_that_cannot_draw_are_refused(tmp_path: Path) -> None:
    workspace, dataset, _, run = scored_workspace(tmp_path, count=8)
    values = {key: SMALL[key] for key in ("model", "depth", "image_size", "patch_size", "batch_size", "precision")}
    other = pretrain(workspace, dataset, pretraining.make("simclr", values), epochs=1, workers=0, device="cpu")
    with pytest.raises(BadInput, match="is simclr"):
        find_run(workspace, other.id)
    assert find_run(workspace).id == run.id
    decoder = run.decoder_file.read_bytes()
    run.decoder_file.write_bytes(decoder[:-40])
    with pytest.raises(BadInput, match="damaged"):
        load_mae(workspace, run=run.id)
    run.decoder_file.unlink()
    with pytest.raises(BadInput, match="before decoders were kept"):
        load_mae(workspace, run=run.id)
    with pytest.raises(NotFound, match="no finished masked autoencoder"):
        find_run(workspace)


def test_a_published_checkpoint_draws_as_ours_does(tmp_path: Path, planted: Planted) -> None:
    """Our run's weights under the names and in the layout of MAE's authors load to the same network."""
    workspace, _, _, run = planted
    encoder, decoder = load_file(run.encoder_file), load_file(run.decoder_file)
    names = {
        "embed.": "decoder_embed.",
        "blocks.": "decoder_blocks.",
        "norm.": "decoder_norm.",
        "out.": "decoder_pred.",
    }
    theirs = dict(encoder) | {"mask_token": decoder["hidden_token"]}
    for name, one in decoder.items():
        for ours, other in names.items():
            if name.startswith(ours):
                theirs[other + name[len(ours) :]] = one
    for name in ("decoder_pred.weight", "decoder_pred.bias"):  # theirs: row, column, channel
        one = theirs[name]
        theirs[name] = one.reshape(3, 8, 8, -1).permute(1, 2, 0, 3).reshape(one.shape).contiguous()
    theirs["decoder_pos_embed"] = torch.zeros(1, 17, 32)
    path = tmp_path / "mae.pth"
    torch.save({"model": theirs}, path)
    loaded = load_mae(workspace, checkpoint=path, evened=False)
    some = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), np.uint8)
    work = Measuring(loaded.network, device=torch.device("cpu"), masks=2, visible=4, seed=0, batch=8)
    np.testing.assert_allclose(work.measure(some).error, measuring(workspace, masks=2).measure(some).error, rtol=1e-5)


def test_bad_checkpoints_are_one_sentence(tmp_path: Path, planted: Planted) -> None:
    workspace, run = planted[0], planted[3]
    with pytest.raises(MissingWeights, match="is not there"):
        load_mae(workspace, checkpoint=tmp_path / "none.pth")
    with pytest.raises(BadInput, match="no masked autoencoder with its decoder"):
        load_mae(workspace, checkpoint=run.encoder_file)
    path = tmp_path / "odd.pth"
    odd = {"decoder_pred.weight": torch.zeros(2, 2), "pos_embed": torch.zeros(1, 5, 77)}
    torch.save(odd | {"patch_embed.proj.weight": torch.zeros(77, 3, 8, 8)}, path)
    with pytest.raises(BadInput, match="width 77"):
        load_mae(workspace, checkpoint=path)


def test_the_verb(planted: Planted, scored: Hardness, capsys: pytest.CaptureFixture[str]) -> None:
    workspace, dataset, _, run = planted
    arguments = ["hardness", dataset.id, "--workspace", str(workspace.root), "--device", "cpu"]
    assert main([*arguments, "--json", "--run", run.id]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["hardness"] == scored.id
    assert result["information"] == pytest.approx(result["nothing"] - result["given"])
    assert main(arguments) == 0
    assert "40 patches of 10 frames" in capsys.readouterr().out
    assert main([*arguments, "--set", "masks=0"]) == 2
    assert main([*arguments, "--run", "nothing"]) == 2
    assert hardness_of(dataset, scored.id).id in {one.id for one in all_hardness(dataset)}


def test_two_at_once_measure_once(planted: Planted) -> None:
    workspace, dataset, patches, _ = planted
    scorer, reporters = Scorer(mask_seed=9), (Reporter(), Reporter())

    def go(reporter: Reporter) -> str:
        return score(workspace, dataset, patches, scorer, device="cpu", workers=0, reporter=reporter).id

    with ThreadPoolExecutor(2) as both:
        first, second = both.map(go, reporters)
    assert first == second
    for folder in hardness_folder(dataset).glob(".measured-*"):
        keys = [key for shard in folder.glob("rows-*.npz") for key in np.load(shard)["keys"].tolist()]
        assert len(keys) == len(set(keys))


def test_many_crops_of_a_frame_are_handed_over_in_fewer_frames() -> None:
    few, many = np.zeros((4, 4), np.int32), np.zeros((200, 4), np.int32)
    assert Cropping(32, {"a": few, "b": few}).together == CHUNK
    assert Cropping(224, {"a": few, "b": many}).together == 1
    assert Cropping(96, {"a": few, "b": many}).together == 3


def test_a_picture_cut_in_two_ways_is_scored_in_both(tmp_path: Path) -> None:
    """An exact copy in another group lacks the patches that overlays there hide; and so does a later set of patches,
    though what was measured before is still there."""
    workspace, dataset, patches, _ = scored_workspace(tmp_path, count=8)
    copied = tmp_path / "frames" / "copy.png"
    copied.write_bytes((tmp_path / "frames" / "00.png").read_bytes())
    import_frames(workspace, tmp_path / "frames", name="planted", workers=1)
    dataset = workspace.dataset("planted")
    patches = propose(workspace, dataset, make("grid", GRID), workers=0)
    frame = dataset.frame("copy.png")
    direct = measuring(workspace)

    def scored_without(lacking: list[int], created: str) -> Hardness:
        table = propose(workspace, dataset, make("grid", GRID), workers=0).table
        hidden = (table["frame_id"] == frame["frame_id"]) & table["patch_id"].str[-1].isin(
            [str(one) for one in lacking]
        )
        folder = tmp_path / created
        shutil.copytree(patches.folder, folder)
        table[~hidden].reset_index(drop=True).to_parquet(folder / patches.PATCHES)
        record = patches.record.model_copy(update={"created": created})
        return score(workspace, dataset, PatchSet(folder, record), Scorer(), device="cpu", workers=0)

    for lacking, created in (([0], "first"), ([1, 2], "second"), ([], "third")):
        found = scored_without(lacking, created).table
        assert len(found) == 36 - len(lacking)
        image = np.asarray(Image.open(copied).convert("RGB"))
        mine = found[found["frame_id"] == frame["frame_id"]]
        boxes = mine[["top", "left", "bottom", "right"]].to_numpy()
        np.testing.assert_allclose(mine["error"], direct.measure(crops(image, boxes, 32)).error, rtol=1e-4)

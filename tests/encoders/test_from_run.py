"""The encoder of a finished run: found, loaded, used for embedding, calibration, selection; and when it cannot be."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dataeff_core.backbones import Backbone
from dataeff_core.cli import main
from dataeff_core.encoders import make, reload
from dataeff_core.encoders.calibration import calibrate
from dataeff_core.encoders.embedding import embed
from dataeff_core.errors import BadInput, NotFound, Stale
from dataeff_core.workspace import Dataset, Run, RunResult, Workspace
from dataeff_core.workspace.storage import write_json
from tests.fabricated_runs import fabricate_run
from tests.fabrication import fabricate

torch = pytest.importorskip("torch")


def pretrained(workspace: Workspace, dataset: Dataset, *, seed: int = 0, name: str = "") -> Run:
    """A run that has finished and left real weights."""
    from safetensors.torch import save_file

    from dataeff_core.backbones.checkpoints import weights_fingerprint
    from dataeff_core.backbones.vit import build

    run = fabricate_run(workspace, dataset, seed=seed, name=name)
    vit = build(Backbone.model_validate(run.record.backbone), seed=seed)
    save_file(vit.state_dict(), run.encoder_file)
    assert run.result is not None
    left = run.result.model_copy(update={"weights": weights_fingerprint(vit)})
    write_json(run.folder / RunResult.FILE, left.model_dump(mode="json"))
    return run


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, Dataset, Run]:
    workspace, dataset, _, _ = fabricate(tmp_path_factory.mktemp("runs") / "w", frames=12)
    return workspace, dataset, pretrained(workspace, dataset, name="first")


def test_vectors_are_the_mean_patch_tokens_of_squashed_images(made: tuple[Workspace, Dataset, Run]) -> None:
    from dataeff_core.backbones.checkpoints import read_weights
    from dataeff_core.backbones.vit import build, normalised, pooled

    workspace, _, run = made
    backbone = Backbone.model_validate(run.record.backbone)
    vit = build(backbone, weights=read_weights(run.encoder_file)).eval()
    images = [np.random.default_rng(seed).integers(0, 255, (70 + seed, 90, 3), np.uint8) for seed in range(3)]
    size = (backbone.image_size, backbone.image_size)
    squashed = [np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BICUBIC)) for image in images]
    with torch.inference_mode():
        expected = pooled(vit, normalised(torch.from_numpy(np.stack(squashed)), backbone)).numpy()
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    loaded = make(f"run:{run.id}", workspace=workspace).load(device="cpu")
    assert (loaded.features(images) * expected).sum(axis=1).min() >= 0.999
    assert run.result is not None
    assert loaded.weights == run.result.weights


def test_names(made: tuple[Workspace, Dataset, Run]) -> None:
    workspace, _, run = made
    for name in ("run", "run:", "run:latest", f"run:{run.id}", f"run:{run.id[:6]}", "run:first"):
        assert make(name, workspace=workspace).full_name == f"run:{run.id}"
    with pytest.raises(NotFound, match="no run is called 'x'"):
        make("run:x", workspace=workspace)
    with pytest.raises(BadInput, match="its weights are the run's"):
        make("run:x", checkpoint=Path("w.pth"), workspace=workspace)
    with pytest.raises(BadInput, match="workspace"):
        make("run:x")


def test_embed_map_select_and_come_back(
    made: tuple[Workspace, Dataset, Run], capsys: pytest.CaptureFixture[str]
) -> None:
    workspace, dataset, run = made

    def tell(*words: str) -> dict[str, object]:
        assert main([*words, "--json", "--workspace", str(workspace.root)]) == 0
        told: dict[str, object] = json.loads(capsys.readouterr().out)
        return told

    items = tell("list", "encoders")["items"]
    assert isinstance(items, list)
    assert f"run:{run.id}" in [item["name"] for item in items]
    told = tell("embed", dataset.id, "--encoder", f"run:{run.id}", "--workers", "0")
    assert (told["encoder"], told["dim"]) == (f"run:{run.id}", 192)
    embedding = workspace.embedding(dataset, f"run:{run.id}")
    again = reload(workspace, embedding, device="cpu")
    picture = np.asarray(Image.open(dataset.file(dataset.frames.iloc[3])))
    assert again.finish(again.features([picture]))[0] @ embedding.vectors[3].astype(np.float32) >= 0.999
    assert -1 <= calibrate(workspace, dataset, embedding).eta <= 1
    assert tell("map", dataset.id, "--encoder", f"run:{run.id}", "--method", "pca")["frames"] == 12
    assert tell("select", dataset.id, "--encoder", f"run:{run.id}", "--keep", "0.5")["kept"] == 6
    out = workspace.root.parent / "out"
    assert tell("export", "latest", str(out))["frames"] == 6
    assert tell("verify", str(out), "--rerun")["ok"] is True


def test_runs_that_cannot_be_used_are_one_sentence(tmp_path: Path) -> None:
    workspace, dataset, _, _ = fabricate(tmp_path / "w", frames=6)
    with pytest.raises(NotFound, match="there is no run yet"):
        make("run:x", workspace=workspace)
    halfway = fabricate_run(workspace, dataset, finished=False, name="halfway")
    with pytest.raises(NotFound, match="no pre-training run has finished yet"):
        make("run", workspace=workspace)
    with pytest.raises(BadInput, match=f"stopped before its end; run `pretrain --resume {halfway.id}`"):
        make(f"run:{halfway.id}", workspace=workspace).load()
    run = pretrained(workspace, dataset, seed=1)
    embedding = embed(workspace, dataset, make("run", workspace=workspace), device="cpu", workers=0)
    whole = run.encoder_file.read_bytes()
    for damaged in (b"", whole[:1000], b"not weights at all", None):
        run.encoder_file.unlink() if damaged is None else run.encoder_file.write_bytes(damaged)
        with pytest.raises(BadInput, match=f"weights of run {run.id} are damaged"):
            make("run", workspace=workspace).load(device="cpu")
    run.encoder_file.write_bytes(pretrained(workspace, dataset, seed=2).encoder_file.read_bytes())
    with pytest.raises(BadInput, match="is not what it left"):
        make(f"run:{run.id}", workspace=workspace).load(device="cpu")
    run.encoder_file.write_bytes(whole)
    assert run.result is not None
    write_json(embedding.folder / "embedding.json", embedding.record.model_dump() | {"weights": "0" * 64})
    with pytest.raises(Stale, match="other weights"):
        reload(workspace, workspace.embedding(dataset, embedding.id), device="cpu")
    encoder = make(f"run:{run.id}", workspace=workspace)
    shutil.rmtree(run.folder)
    with pytest.raises(NotFound, match=f"run {run.id} is gone"):
        encoder.load()
    with pytest.raises(NotFound, match=f"run {run.id} is gone"):
        reload(workspace, workspace.embedding(dataset, embedding.id))
    assert workspace.embedding(dataset, embedding.id).vectors.shape == (6, 192), "its vectors stay usable"

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from dataeff_core.encoders import make, reload
from dataeff_core.encoders.batching import BatchSize, Rebatcher
from dataeff_core.encoders.embedding import embed
from dataeff_core.encoders.preparation import Preparation
from dataeff_core.encoders.timm_models import DEFAULT_MODEL, TimmModel
from dataeff_core.errors import BadInput, MissingWeights, NotFound, Stale
from tests.fabrication import fabricate

torch = pytest.importorskip("torch")
SMALL = "test_vit"  # 64 numbers, 6 blocks, 160 pixels


@pytest.fixture(scope="module")
def weights() -> "dict[str, Any]":
    import timm

    torch.manual_seed(0)
    return timm.create_model(SMALL, pretrained=False, num_classes=0).state_dict()


@pytest.fixture(scope="module")
def checkpoint(weights: "dict[str, Any]", tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "small.pth"
    torch.save(weights, path)
    return path


@pytest.fixture(scope="module")
def loaded(checkpoint: Path) -> Any:
    return make(f"timm:{SMALL}", checkpoint=checkpoint).load(device="cpu")


def images(count: int, seed: int = 0) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [rng.integers(0, 255, (100 + 7 * number, 130, 3), np.uint8) for number in range(count)]


def test_features_are_the_models_own_normalised(loaded: Any, weights: "dict[str, Any]") -> None:
    import timm

    model = timm.create_model(SMALL, pretrained=False, num_classes=0).eval()
    model.load_state_dict(weights)
    transform = timm.data.create_transform(**timm.data.resolve_model_data_config(model), is_training=False)
    pictures = images(3)
    with torch.inference_mode():
        expected = model(torch.stack([transform(Image.fromarray(one)) for one in pictures])).numpy()
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    found = loaded.features(pictures)
    assert found.shape == (3, 64) == (3, loaded.feature_dim)
    assert (found * expected).sum(axis=1).min() >= 0.999
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)


def test_one_at_a_time_is_as_many_at_once(loaded: Any) -> None:
    pictures = images(9, seed=1)
    together = loaded.features(pictures)
    alone = np.concatenate([loaded.features([one]) for one in pictures])
    assert (together * alone).sum(axis=1).min() >= 0.999
    assert loaded.features([]).shape == (0, 64)


@pytest.mark.parametrize("crop_mode", ["center", "squash", "border"])
@pytest.mark.parametrize("interpolation", ["bicubic", "bilinear"])
@pytest.mark.parametrize("shape", [(300, 200), (150, 401), (224, 224), (30, 640), (500, 500)])
def test_preparation_is_timms_own(crop_mode: str, interpolation: str, shape: tuple[int, int]) -> None:
    from timm.data.transforms_factory import transforms_imagenet_eval

    for size, crop_pct in (((224, 224), 0.9), ((96, 96), 1.0), ((64, 128), 0.875)):
        image = np.random.default_rng(0).integers(0, 255, (*shape, 3), np.uint8)
        theirs = transforms_imagenet_eval(
            img_size=size, crop_pct=crop_pct, crop_mode=crop_mode, interpolation=interpolation, use_prefetcher=True
        )
        expected = np.asarray(theirs(Image.fromarray(image))).transpose(1, 2, 0)
        prepare = Preparation(*size, crop_pct, crop_mode, interpolation, fill=(124, 116, 104))
        np.testing.assert_array_equal(prepare([image])[0], expected)


def test_a_checkpoint_is_known_by_its_weights_however_it_is_saved(
    weights: "dict[str, Any]", loaded: Any, tmp_path: Path
) -> None:
    from safetensors.torch import save_file

    decoder = {"decoder_embed.weight": torch.zeros(3, 3), "mask_token": torch.zeros(1, 1, 64)}
    saved = {
        "mae.pth": {"model": weights | decoder, "epoch": 3},
        "parallel.pt": {"state_dict": {f"module.encoder.{name}": value for name, value in weights.items()}},
        "classifier.pth": weights | {"head.weight": torch.zeros(10, 64), "head.bias": torch.zeros(10)},
        "half.pth": {name: value.half().float() for name, value in weights.items()},
    }
    found = {}
    for name, content in saved.items():
        torch.save(content, tmp_path / name)
        found[name] = make(f"timm:{SMALL}", checkpoint=tmp_path / name).load(device="cpu").weights
    save_file(weights, tmp_path / "w.safetensors")
    found["w.safetensors"] = make(f"timm:{SMALL}", checkpoint=tmp_path / "w.safetensors").load().weights
    other = found.pop("half.pth")
    assert set(found.values()) == {loaded.weights}
    assert other != loaded.weights and len(other) == 64


def test_weights_that_do_not_fit_are_one_sentence(weights: "dict[str, Any]", tmp_path: Path) -> None:
    def load(content: Any, name: str = "w.pth") -> None:
        torch.save(content, tmp_path / name)
        make(f"timm:{SMALL}", checkpoint=tmp_path / name).load(device="cpu")

    lacking = {name: value for name, value in weights.items() if not name.startswith("blocks.5.")}
    with pytest.raises(BadInput, match=r"blocks\.5\..* is missing.* and \d+ more; choose"):
        load(lacking)
    with pytest.raises(BadInput, match=r"pos_embed is \(1, 50, 64\) instead of \(1, 101, 64\)"):
        load(weights | {"pos_embed": torch.zeros(1, 50, 64)})
    with pytest.raises(BadInput, match=r"blocks\.6\.norm1\.weight has no place"):
        load(weights | {"blocks.6.norm1.weight": torch.zeros(64)})
    with pytest.raises(BadInput, match="holds no weights"):
        load({"epoch": 3})
    with pytest.raises(BadInput, match="holds no weights"):
        load([1, 2])


def test_files_that_are_no_checkpoint_are_one_sentence(checkpoint: Path, tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[Any, ...]:
            return (Path.touch, (tmp_path / "ran",))

    contents = {
        "empty.pth": b"",
        "text.pth": b"these are no weights",
        "cut.pth": checkpoint.read_bytes()[:5000],
        "evil.pth": pickle.dumps({"model": Evil()}),
        "cut.safetensors": b"\x10\x00\x00\x00\x00\x00\x00\x00{}",
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(BadInput, match=name.replace(".", r"\.")):
            make("timm", checkpoint=tmp_path / name).load()
    assert not (tmp_path / "ran").exists()
    with pytest.raises(MissingWeights, match="nowhere"):
        make("timm", checkpoint=tmp_path / "nowhere.pth").load()


@pytest.mark.parametrize("offline", [True, False])
def test_without_network_and_checkpoint_both_ways_out_are_said(
    offline: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", offline)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(MissingWeights, match=r"--checkpoint FILE, or connect once.*copy the folder"):
        make("timm").load()


def test_a_cached_file_is_used_without_network(
    weights: "dict[str, Any]", loaded: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants
    from safetensors.torch import save_file

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    repository = tmp_path / f"models--timm--{SMALL}.r160_in1k"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text("abc")
    (repository / "snapshots" / "abc").mkdir(parents=True)
    head = {"head.weight": torch.zeros(1000, 64), "head.bias": torch.zeros(1000)}
    save_file(weights | head, repository / "snapshots" / "abc" / "model.safetensors")
    assert make(f"timm:{SMALL}").load().weights == loaded.weights


def test_names() -> None:
    assert make("timm") == TimmModel(model=DEFAULT_MODEL)
    assert make("timm:resnet18").full_name == "timm:resnet18"
    with pytest.raises(NotFound, match="descriptor, timm"):
        make("resnet18")
    with pytest.raises(BadInput, match="does not take the model"):
        make("descriptor:vit")
    with pytest.raises(BadInput, match="does not take the checkpoint"):
        make("descriptor", checkpoint=Path("x"))
    with pytest.raises(NotFound, match=r"no model 'test_vitt' \(near: test_vit"):
        make("timm:test_vitt").load()
    with pytest.raises(NotFound, match=r"no weights 'nonsense' for test_vit; there are: r160"):
        make("timm:test_vit.nonsense").load()


def test_devices(checkpoint: Path) -> None:
    for wrong in ("abacus", "cuda:x", "cpu:x:y"):
        with pytest.raises(BadInput, match="device"):
            make(f"timm:{SMALL}", checkpoint=checkpoint).load(device=wrong)
    if not torch.cuda.is_available():
        with pytest.raises(BadInput, match="no cuda device"):
            make(f"timm:{SMALL}", checkpoint=checkpoint).load(device="cuda")


def test_embedding_and_coming_back_to_it(checkpoint: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    from dataeff_core.cli import main

    workspace, dataset, _, _ = fabricate(tmp_path / "w", frames=20)
    encoder = make(f"timm:{SMALL}", checkpoint=checkpoint)
    embedding = embed(workspace, dataset, encoder, workers=0)
    assert embedding.record.dim == 64
    assert embedding.record.encoder_params == {"model": SMALL}, "no path in what determines the vectors"
    assert embedding.record.notes["precision"] in ("float32", "bfloat16")
    assert embedding.record.notes["agreement_with_float32"] >= 0.999
    again = reload(workspace, embedding)
    picture = np.asarray(Image.open(dataset.file(dataset.frames.iloc[3])))
    vector = again.finish(again.features([picture]))[0]
    assert vector @ embedding.vectors[3].astype(np.float32) >= 0.999
    arguments = ["embed", dataset.id, "--encoder", f"timm:{SMALL}", "--checkpoint", str(checkpoint), "--json"]
    assert main([*arguments, "--workspace", str(workspace.root)]) == 0
    assert json.loads(capfd.readouterr().out)["embedding"] == embedding.id
    elsewhere = tmp_path / "moved.pth"
    elsewhere.write_bytes(checkpoint.read_bytes())
    assert embed(workspace, dataset, make(f"timm:{SMALL}", checkpoint=elsewhere)).id == embedding.id
    stale = embedding.record.model_copy(update={"weights": "0" * 64})
    stale.write(embedding.folder)
    with pytest.raises(Stale, match="other weights"):
        reload(workspace, workspace.embedding(dataset, embedding.id))


class Rounds(torch.nn.Module):
    """A network that bfloat16 ruins: a small signal on a large offset."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(3 * 8 * 8, 16)
        torch.nn.init.constant_(self.layer.bias, 1000.0)

    def forward(self, x: Any) -> Any:
        return self.layer(x.flatten(1)) - 1000.0


class Greedy(torch.nn.Module):
    """A network that has memory for a few images only."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self.most = most
        self.seen: list[int] = []

    def forward(self, x: Any) -> Any:
        self.seen.append(len(x))
        if len(x) > self.most:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return x.mean(dim=(2, 3))


def network(model: Any) -> Any:
    from dataeff_core.encoders.networks import Network

    return Network(model, Preparation(8, 8), (0.5,) * 3, (0.5,) * 3, torch.device("cpu"))


def test_bfloat16_is_not_used_where_it_disagrees() -> None:
    torch.manual_seed(0)
    one = network(Rounds())
    one.features(images(8))
    assert one.notes()["precision"] == "float32" and one.notes()["agreement_with_float32"] == 1


def test_a_batch_too_large_is_halved_until_it_fits() -> None:
    one = network(Greedy(most=8))
    one.sizes = BatchSize(size=32)
    found = one.features(images(40))
    assert len(found) == 40 and np.isfinite(found).all()
    assert one.sizes.size == 8 and one.sizes.settled
    none = network(Greedy(most=1))
    none.infer(np.zeros((1, 8, 8, 3), np.uint8))
    none.model.most = 0
    with pytest.raises(BadInput, match="not even for one image"):
        none.infer(np.zeros((2, 8, 8, 3), np.uint8))


def test_a_bug_in_a_network_is_no_memory_problem() -> None:
    one = network(Greedy(most=100))
    with pytest.raises(RuntimeError, match="size of tensor"):
        one.infer(np.zeros((1, 8, 8, 4), np.uint8))


def test_a_model_that_does_not_pool_is_refused() -> None:
    with pytest.raises(BadInput, match=r"shape \(1, 3, 8, 8\)"):
        network(torch.nn.Identity())


def test_batch_size_grows_while_that_pays() -> None:
    sizes = BatchSize(size=8, largest=128)

    def work(seconds_a_frame: dict[int, float]) -> list[int]:
        tried = []
        while not sizes.settled:
            tried.append(sizes.size)
            sizes.measured(sizes.size, sizes.size * seconds_a_frame[sizes.size])
        return tried

    assert work({8: 1.0, 16: 0.6, 32: 0.4, 64: 0.41, 128: 0.1}) == [8, 8, 16, 16, 32, 32, 64, 64]
    assert sizes.size == 32
    sizes.measured(32, 1e9)
    assert sizes.size == 32


def test_rebatching_keeps_every_row_with_its_key() -> None:
    ready, out = Rebatcher(), []
    rng = np.random.default_rng(0)
    given = 0
    for count in (3, 16, 1, 7, 16, 2):
        rows = np.arange(given, given + count)
        ready.add([str(row) for row in rows], rows[:, None])
        given += count
        out += list(ready.take(int(rng.integers(2, 9))))
    out += list(ready.take(5, last=True))
    assert [int(key) for keys, _ in out for key in keys] == list(range(given))
    assert np.concatenate([rows[:, 0] for _, rows in out]).tolist() == list(range(given))
    assert max(len(keys) for keys, _ in out) <= 8

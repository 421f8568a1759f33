"""Methods and presets by name; what the form and the command line read off the declarations."""

import subprocess
import sys

import pytest
from pydantic import ValidationError

from dataeff_core.errors import BadInput
from dataeff_core.pretraining import METHODS, PRESETS, Preset, make, method_named, preset_named
from dataeff_core.pretraining.augmentation import Augmentation
from dataeff_core.pretraining.base import SECTIONS, PretrainingMethod

every_method = pytest.mark.parametrize("method", METHODS, ids=lambda one: one.NAME)
every_preset = pytest.mark.parametrize("preset", PRESETS, ids=lambda one: one.name)


@every_method
@every_preset
def test_every_preset_suits_every_method(method: type[PretrainingMethod], preset: Preset) -> None:
    made = make(method.NAME, preset=preset.name)
    for key, value in preset.values_for(method).items():
        assert getattr(made, key) == value
    patch = made.patch_size or 16
    assert made.image_size % patch == 0
    assert made.batch_size % made.accumulate == 0


def test_papers_values() -> None:
    """algorithms: MAE with ViT-B, 16 images a step, AdamW, cosine, peak 1.5e-4."""
    made = make("mae", preset="paper")
    assert (made.model, made.image_size, made.batch_size) == ("vit_base_patch16_224", 224, 16)
    assert made.learning_rate == 1.5e-4
    assert made.backbone() == make("mae").backbone()
    assert make("mae") == made  # and they are the defaults


@every_method
def test_parameters_as_typed_go_over_the_presets(method: type[PretrainingMethod]) -> None:
    made = make(
        method.NAME, {"depth": "2", "learning_rate": "2e-4", "flip": "false", "patch_size": ""}, preset="tiny"
    )
    assert (made.depth, made.learning_rate, made.flip, made.patch_size) == (2, 2e-4, False, None)
    assert made.image_size == make(method.NAME, preset="tiny").image_size


@pytest.mark.parametrize(
    ("name", "params", "preset", "sentence"),
    [
        ("moco", {}, "", "there is no method 'moco'; choose mae, simclr"),
        ("mae", {}, "huge", "there is no preset 'huge'; choose tiny, small, paper"),
        ("mae", {"temperature": "1"}, "", "mae has no parameter 'temperature'; it has crop, "),
        ("mae", {"mask_ratio": "75"}, "", "mae's mask_ratio=75 is not in [0.05, 0.95]"),
        ("mae", {"decoder_dim": "100"}, "", "mae's decoder_dim=100 cannot be used: input should be a multiple of 32"),
        ("simclr", {"temperature": "warm"}, "tiny", "simclr's temperature=warm cannot be used: "),
        ("simclr", {"hue": 0.5}, "", "simclr's hue=0.5 is not in [0, 0.1]"),
        ("mae", {"batch_size": "1"}, "", "mae's batch_size=1 is not in [2, 8192]"),
        ("mae", {"learning_rate": "nan"}, "", "mae's learning_rate=nan is not in (0, 1]"),
        ("mae", {"precision": "half"}, "", "mae's precision=half cannot be used: "),
    ],
)
def test_what_cannot_be_used_is_said_in_one_sentence(
    name: str, params: dict[str, object], preset: str, sentence: str
) -> None:
    with pytest.raises(BadInput) as raised:
        make(name, params, preset=preset)
    assert str(raised.value).startswith(sentence)
    assert "\n" not in str(raised.value)


@every_method
def test_each_field_says_what_the_form_needs(method: type[PretrainingMethod]) -> None:
    for name, field in method.model_fields.items():
        extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
        assert field.title, name
        assert len(field.description or "") > 20, name
        assert extra.get("section") in SECTIONS, name
        assert field.title[0].isupper(), name


@every_method
def test_each_augmentation_is_a_field_with_its_reason(method: type[PretrainingMethod]) -> None:
    for name in Augmentation.model_fields:
        field = method.model_fields[name]
        assert field.json_schema_extra["section"] == "augmentation"  # type: ignore[index,call-overload]
        assert any(word in (field.description or "") for word in ("because", "as ", "so that", "no upright")), name
    assert type(method().crop) is float


def test_defaults_differ_by_method_and_bounds_do_not() -> None:
    mae, simclr = make("mae"), make("simclr")
    assert not mae.changes_colours
    assert mae.moves_pixels
    assert simclr.changes_colours
    assert 0 < simclr.hue < 0.05
    for method in METHODS:
        with pytest.raises(ValidationError):
            method(crop=0)


@every_method
def test_a_method_is_its_parameters(method: type[PretrainingMethod]) -> None:
    one = method(depth=2)
    assert method.model_validate(one.model_dump(mode="json")) == one
    with pytest.raises(ValidationError):
        one.depth = 3  # type: ignore[misc]


def test_by_name() -> None:
    assert [method_named(one.NAME) for one in METHODS] == list(METHODS)
    assert [preset_named(one.name) for one in PRESETS] == list(PRESETS)


def test_declaring_needs_no_torch() -> None:
    code = (
        "import sys\nfrom dataeff_core.pretraining import make\nmake('mae', preset='tiny').backbone()\n"
        "print(sorted({'torch', 'timm', 'sklearn'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

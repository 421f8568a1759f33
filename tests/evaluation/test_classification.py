"""The probe and the neighbours against references, and the labels they are given."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dataeff_core.errors import BadInput, NotFound
from dataeff_core.evaluation import Classification
from dataeff_core.evaluation.base import Examples, Material
from dataeff_core.reporting import Reporter
from tests.evaluation.making import TINY, make_dataset, scene

torch = pytest.importorskip("torch")
torch.set_num_threads(1)


def material(labels: np.ndarray, pictures: list[np.ndarray], split: np.ndarray) -> Material:
    from dataeff_core.backbones import vit
    from dataeff_core.evaluation.pictures import Squashed

    ids = np.array([f"frame{one}" for one in range(len(labels))], object)
    return Material(
        backbone=TINY,
        vit=vit.build(TINY, seed=0),
        images=Squashed(TINY.image_size)(pictures),
        examples=Examples(pd.DataFrame({"frame_id": ids, "group": ids}), labels, labels),
        split=split,
        units=ids,
        seed=0,
        device=torch.device("cpu"),
        reporter=Reporter(),
    )


def coloured(count: int = 60) -> tuple[np.ndarray, list[np.ndarray], np.ndarray]:
    """Labels told by colour, pictures, and a split of each label."""
    rng = np.random.default_rng(0)
    tints = {"blue": (60, 60, 200), "green": (60, 180, 60), "red": (200, 60, 60)}
    labels = np.array(list(tints) * (count // 3), object)
    pictures = [rng.normal(tints[one], 30, (32, 32, 3)).clip(0, 255).astype(np.uint8) for one in labels]
    split = np.array((["train"] * 6 + ["validation"] * 3 + ["test"] * 6) * (count // 15), object)
    return labels, pictures, split


def test_what_is_told_by_colour_is_recognised() -> None:
    scored = Classification().score(material(*coloured()))
    for name in ("auc_macro", "knn_auc_macro", "accuracy_balanced", "knn_accuracy_balanced", "auc:red"):
        assert scored.metrics[name] > 0.95
        low, high = scored.intervals[name]
        assert 0.9 < low <= high <= 1
    assert scored.metrics["auc_macro"] == pytest.approx(
        np.mean([scored.metrics[f"auc:{one}"] for one in ("blue", "green", "red")])
    )
    probabilities = scored.per_image[["p_blue", "p_green", "p_red"]]
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    assert (scored.per_image["predicted"] == scored.per_image["truth"]).mean() > 0.9
    assert len(scored.per_image) == 24


def test_labels_at_random_are_not_recognised() -> None:
    labels, pictures, split = coloured()
    shuffled = np.random.default_rng(1).permutation(labels)
    scored = Classification().score(material(shuffled, pictures, split))
    assert 0.2 < scored.metrics["auc_macro"] < 0.8


def test_with_two_labels_the_macro_area_is_the_area() -> None:
    labels, pictures, split = coloured()
    labels = np.where(labels == "red", "red", "other").astype(object)
    scored = Classification().score(material(labels, pictures, split))
    assert scored.metrics["auc_macro"] == pytest.approx(scored.metrics["auc:red"])


def test_neighbours_against_a_slow_loop() -> None:
    from dataeff_core.evaluation.probing import vote

    rng = np.random.default_rng(0)
    train, test, truth = rng.normal(size=(20, 5)), rng.normal(size=(6, 5)), rng.integers(0, 3, 20)
    found = vote(train, truth, test, 4, 3)
    mean = train.mean(axis=0)
    for row, vector in zip(found, test, strict=True):
        a = vector - mean
        cosine = [float(a @ (b - mean) / np.linalg.norm(a) / np.linalg.norm(b - mean)) for b in train]
        votes = np.zeros(3)
        for one in sorted(range(20), key=lambda i: -cosine[i])[:4]:
            votes[truth[one]] += np.exp(cosine[one] / 0.07)
        np.testing.assert_allclose(row, votes / votes.sum())


def test_neighbours_agree_with_scikit_learn_where_all_weigh_the_same() -> None:
    from sklearn.neighbors import KNeighborsClassifier

    from dataeff_core.evaluation.probing import vote

    rng = np.random.default_rng(1)
    train, test, truth = rng.normal(size=(50, 4)), rng.normal(size=(30, 4)), rng.integers(0, 2, 50)
    mean = train.mean(axis=0)
    theirs = KNeighborsClassifier(1, metric="cosine").fit(train - mean, truth).predict(test - mean)
    assert (vote(train, truth, test, 1, 2).argmax(axis=1) == theirs).all()


def test_the_probe_is_chosen_on_validation() -> None:
    """The chosen regularisation is the one with the least log loss there, found by trying each."""
    from sklearn.metrics import log_loss

    from dataeff_core.evaluation.probing import STRENGTHS, encode, fit_probe, linear_model, probabilities

    given = material(*coloured())
    vectors = encode(given) + np.random.default_rng(2).normal(0, 1, (60, 192))
    truth = np.unique(given.examples.truth.astype(str), return_inverse=True)[1]
    train, validation = given.rows("train"), given.rows("validation")
    strength, _ = fit_probe(vectors, truth, train, validation, given)
    losses = []
    for one in STRENGTHS:
        model = linear_model(one).fit(vectors[train], truth[train])
        losses.append(log_loss(truth[validation], probabilities(model, vectors[validation], 3), labels=[0, 1, 2]))
    assert strength == STRENGTHS[int(np.argmin(losses))]


def test_a_label_without_a_test_example_is_one_sentence() -> None:
    labels, pictures, split = coloured()
    labels[np.flatnonzero(split == "train")[0]] = "rare"
    with pytest.raises(BadInput, match="label 'rare' has no test example: its 1 images are of 1 group, and 3"):
        Classification().score(material(labels, pictures, split))


def test_an_encoder_that_gives_no_numbers_is_one_sentence() -> None:
    given = material(*coloured())
    given.vit.norm.weight.data[:] = float("nan")
    with pytest.raises(BadInput, match="vectors are not finite"):
        Classification().score(given)


def labelled(tmp_path: Path, **labels: list[str | None]):  # type: ignore[no-untyped-def]
    pictures = [scene(one)[0] for one in range(len(next(iter(labels.values()), [None])))]
    return make_dataset(tmp_path / "ws", pictures, labels=labels)[1]


def test_images_without_a_label_are_left_out(tmp_path: Path) -> None:
    dataset = labelled(tmp_path, finding=["polyp", None, "normal", ""])
    examples = Classification().examples(dataset, Reporter())
    assert examples.truth.tolist() == ["polyp", "normal"]
    assert set(examples.left_out.values()) == {"it has no label"}
    assert len(examples.left_out) == 2
    assert Classification().label_of(dataset) == "finding"


def test_which_label_is_asked_for(tmp_path: Path) -> None:
    dataset = labelled(tmp_path, finding=["a", "b"], site=["x", "y"])
    with pytest.raises(BadInput, match=r"several labels \(finding, site\); choose one with --label"):
        Classification().truth_fingerprint(dataset)
    with pytest.raises(NotFound, match="no label 'sight'; there are: finding, site"):
        Classification(label="sight").examples(dataset, Reporter())
    assert Classification(label="label_site").examples(dataset, Reporter()).truth.tolist() == ["x", "y"]
    prints = {Classification(label=one).truth_fingerprint(dataset) for one in ("finding", "site")}
    assert len(prints) == 2


@pytest.mark.parametrize(
    ("values", "sentence"),
    [(["a", "a"], "only 'a', so there is nothing to tell apart"), ([None, ""], "no value, so there is nothing")],
)
def test_labels_that_tell_nothing_apart(tmp_path: Path, values: list[str | None], sentence: str) -> None:
    with pytest.raises(BadInput, match=sentence):
        Classification().examples(labelled(tmp_path, finding=values), Reporter())


def test_a_label_with_too_many_values_is_no_category(tmp_path: Path) -> None:
    rows = pd.DataFrame({"frame_id": [str(one) for one in range(300)], "label_id": [str(one) for one in range(300)]})
    dataset = labelled(tmp_path, finding=["a", "b"])
    dataset.__dict__["frames"] = rows
    with pytest.raises(BadInput, match="has 300 different values, more than the 200"):
        Classification().examples(dataset, Reporter())


def test_no_labels_at_all(tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path / "ws", [scene(0)[0]])[1]
    with pytest.raises(BadInput, match=r"has no labels.*--labels CSV"):
        Classification().examples(dataset, Reporter())

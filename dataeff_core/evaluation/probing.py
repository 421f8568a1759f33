"""The linear probe and the nearest neighbours, on vectors of the frozen encoder."""

import warnings
from typing import Any

import numpy as np
import pandas as pd
import torch
from threadpoolctl import threadpool_limits

from dataeff_core.backbones import vit as backbone_vit
from dataeff_core.errors import BadInput
from dataeff_core.evaluation import metrics
from dataeff_core.evaluation.base import Material, Scored
from dataeff_core.evaluation.classification import Classification
from dataeff_core.evaluation.intervals import intervals
from dataeff_core.evaluation.metrics import Metric

ENCODED_AT_ONCE = 32  # images
STRENGTHS = tuple(10.0**power for power in range(-4, 4))  # scikit-learn's C: the smaller, the more regularised
MOST_STEPS = 1000


def probe(settings: Classification, material: Material) -> Scored:
    """Fit on the training images, choose on the validation images, score the test images."""
    kinds, truth = np.unique(material.examples.truth.astype(str), return_inverse=True)
    check_classes(kinds, truth, material)
    vectors = encode(material)
    train, test = material.rows("train"), material.rows("test")
    strength, model = fit_probe(vectors, truth, train, material.rows("validation"), material)
    linear = probabilities(model, vectors[test], len(kinds))
    nearest = vote(vectors[train], truth[train], vectors[test], settings.neighbours, len(kinds))
    named, found = named_metrics({"": linear, "knn_": nearest}, truth[test], kinds)
    return Scored(
        metrics=found,
        intervals=intervals(named, material.units[test], seed=material.seed),
        per_image=per_image_table(material, test, kinds, linear, nearest),
        per_epoch=pd.DataFrame({"epoch": np.zeros(0, np.int64), settings.HEADLINE: np.zeros(0)}),
        notes={"probe": f"regularisation C = {strength:g}, the best of {len(STRENGTHS)} on validation"},
    )


def check_classes(kinds: np.ndarray, truth: np.ndarray, material: Material) -> None:
    """Raise BadInput when a class is missing where it must be."""
    for name in ("train", "test"):
        missing = np.setdiff1d(np.arange(len(kinds)), truth[material.rows(name)])
        if len(missing):
            one = missing[0]
            groups = material.examples.frames["group"][truth == one].nunique()
            raise BadInput(
                f"label {str(kinds[one])!r} has no {name} example: its {int((truth == one).sum())} images are of "
                f"{groups} group{'s' if groups != 1 else ''}, and 3 are needed; give more, or leave that label empty"
            )


@torch.no_grad()
def encode(material: Material) -> np.ndarray:
    """(n, d) float64: the mean patch token of each image."""
    encoder = material.vit.to(material.device).eval()
    starts = range(0, len(material.images), ENCODED_AT_ONCE)
    parts = []
    for start in material.reporter.over(starts, "encoding"):
        pixels = torch.from_numpy(material.images[start : start + ENCODED_AT_ONCE]).to(material.device)
        parts.append(backbone_vit.pooled(encoder, backbone_vit.normalised(pixels, material.backbone)).cpu())
    vectors = torch.cat(parts).double().numpy()
    if not np.isfinite(vectors).all():
        raise BadInput("the encoder's vectors are not finite, so its weights are damaged; train or choose another")
    return vectors


def fit_probe(
    vectors: np.ndarray, truth: np.ndarray, train: np.ndarray, validation: np.ndarray, material: Material
) -> tuple[float, Any]:
    """The regularisation with the least log loss on validation, and the model fitted with it."""
    best: tuple[float, float, Any] | None = None
    classes = int(truth.max()) + 1
    for strength in material.reporter.over(STRENGTHS, "fitting the probe"):
        model = linear_model(strength)
        with threadpool_limits(1), warnings.catch_warnings():  # too small a problem to be shared out
            warnings.simplefilter("ignore")  # not converged within MOST_STEPS: validation will not choose it
            model.fit(vectors[train], truth[train])
        sure = probabilities(model, vectors[validation], classes)[np.arange(len(validation)), truth[validation]]
        loss = float(-np.log(np.maximum(sure, 1e-12)).mean())
        if best is None or loss < best[0]:
            best = (loss, strength, model)
    if best is None:
        raise ValueError("no regularisation was tried")
    return best[1], best[2]


def linear_model(strength: float) -> Any:
    """Logistic regression on standardised vectors."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=MOST_STEPS))


def probabilities(model: Any, vectors: np.ndarray, classes: int) -> np.ndarray:
    """(n, classes), rows summing to one; every class was in training."""
    found = np.zeros((len(vectors), classes))
    found[:, model.classes_] = model.predict_proba(vectors)
    return found


def vote(train: np.ndarray, truth: np.ndarray, test: np.ndarray, neighbours: int, classes: int) -> np.ndarray:
    """(m, classes): of each test vector's nearest training vectors by cosine, the share of each class, weighted by
    exp(cosine / 0.07) as is usual (Wu et al. 2018); vectors are centred on the training mean first."""
    mean = train.mean(axis=0)
    left, right = unit_rows(test - mean), unit_rows(train - mean)
    similarity = left @ right.T
    count = min(neighbours, len(train))
    nearest = np.argsort(-similarity, axis=1, kind="stable")[:, :count]
    weights = np.exp((np.take_along_axis(similarity, nearest, axis=1) - 1) / 0.07)
    found = np.zeros((len(test), classes))
    for column in range(count):
        found[np.arange(len(test)), truth[nearest[:, column]]] += weights[:, column]
    return found / found.sum(axis=1, keepdims=True)


def unit_rows(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)


def named_metrics(
    answers: dict[str, np.ndarray], truth: np.ndarray, kinds: np.ndarray
) -> tuple[dict[str, Metric], dict[str, float]]:
    """For each answer (prefix -> (m, c) probabilities) auc_macro, one AUC a class and accuracy_balanced: as functions
    for the bootstrap, and as values, the AUC by torchmetrics."""
    named: dict[str, Metric] = {}
    found: dict[str, float] = {}
    for prefix, answer in answers.items():
        each = [metrics.weighted_auc(answer[:, one], truth == one) for one in range(len(kinds))]
        areas = metrics.auc_each(answer, truth)
        named[f"{prefix}auc_macro"] = macro(each)
        found[f"{prefix}auc_macro"] = float(areas.mean())
        for one, kind in enumerate(kinds):
            named[f"{prefix}auc:{kind}"] = each[one]
            found[f"{prefix}auc:{kind}"] = float(areas[one])
        accuracy = metrics.balanced_accuracy(answer.argmax(axis=1), truth, len(kinds))
        named[f"{prefix}accuracy_balanced"] = accuracy
        found |= metrics.values({f"{prefix}accuracy_balanced": accuracy}, len(truth))
    return named, found


def macro(each: list[Metric]) -> Metric:
    """The mean of the classes' areas, over those that the resample has."""
    return lambda weights: metrics.mean_known(np.stack([one(weights) for one in each]))


def per_image_table(
    material: Material, test: np.ndarray, kinds: np.ndarray, linear: np.ndarray, nearest: np.ndarray
) -> pd.DataFrame:
    frames = material.examples.frames.iloc[test]
    columns = {
        "frame_id": frames["frame_id"].to_numpy(object),
        "group": frames["group"].to_numpy(object),
        "truth": material.examples.truth[test],
        "predicted": kinds[linear.argmax(axis=1)].astype(object),
        "knn_predicted": kinds[nearest.argmax(axis=1)].astype(object),
    }
    return pd.DataFrame(columns | {f"p_{kind}": linear[:, one] for one, kind in enumerate(kinds)})

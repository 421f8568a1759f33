"""Scores by hand, against torchmetrics and against scikit-learn."""

import numpy as np
import pytest

from dataeff_core.evaluation import metrics

torch = pytest.importorskip("torch")

NOTHING = np.zeros((4, 4), bool)
TRUTH = np.array([[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]], bool)
SHIFTED = np.array([[0, 1, 1, 0], [0, 1, 1, 0], [0, 0, 0, 0], [0, 0, 0, 0]], bool)


def table_of(*pairs: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    return np.stack([metrics.counts(predicted, truth) for predicted, truth in pairs])


def scored(*pairs: tuple[np.ndarray, np.ndarray]) -> dict[str, float]:
    return metrics.values(metrics.segmentation_metrics(table_of(*pairs)), len(pairs))


def test_counts_by_hand() -> None:
    assert metrics.counts(SHIFTED, TRUTH).tolist() == [10, 2, 2, 2]  # true negatives, false +, false -, true +


def test_one_image_by_hand() -> None:
    found = scored((SHIFTED, TRUTH))
    assert found["fg_iou_mean_per_image"] == found["fg_iou_pooled"] == pytest.approx(2 / 6)
    assert found["two_class_mean"] == pytest.approx((2 / 6 + 10 / 14) / 2)
    assert found["dice"] == pytest.approx(4 / 8)


def test_two_images_by_hand() -> None:
    """The mean weighs images alike, the pooled score pixels."""
    found = scored((SHIFTED, TRUTH), (~NOTHING, ~NOTHING))
    assert found["fg_iou_mean_per_image"] == pytest.approx((2 / 6 + 1) / 2)
    assert found["fg_iou_pooled"] == pytest.approx((2 + 16) / (6 + 16))


def test_two_empty_masks_count_as_one() -> None:
    found = scored((NOTHING, NOTHING))
    assert found == dict.fromkeys(found, 1.0)


def test_empty_truth_with_something_found_counts_as_none() -> None:
    assert scored((TRUTH, NOTHING))["fg_iou_mean_per_image"] == 0
    assert scored((NOTHING, TRUTH))["dice"] == 0


def test_predicting_nothing_scores_near_one_half_with_two_classes_only() -> None:
    rare = np.zeros((100, 100), bool)
    rare[:5, :5] = True
    found = scored((np.zeros_like(rare), rare))
    assert found["fg_iou_mean_per_image"] == 0
    assert found["two_class_mean"] == pytest.approx(0.5, abs=0.01)


def test_against_torchmetrics() -> None:
    from torchmetrics.classification import BinaryF1Score, BinaryJaccardIndex, MulticlassJaccardIndex

    rng = np.random.default_rng(0)
    predicted, truth = rng.random((2, 7, 12, 9)) > 0.6
    found = scored(*zip(predicted, truth, strict=True))
    index, several, score = BinaryJaccardIndex(), MulticlassJaccardIndex(2), BinaryF1Score()
    p, t = torch.from_numpy(predicted).int(), torch.from_numpy(truth).int()
    assert found["fg_iou_pooled"] == pytest.approx(float(index(p, t)), abs=1e-6)
    assert found["two_class_mean"] == pytest.approx(float(several(p, t)), abs=1e-6)
    each = [float(BinaryJaccardIndex()(a, b)) for a, b in zip(p, t, strict=True)]
    assert found["fg_iou_mean_per_image"] == pytest.approx(np.mean(each), abs=1e-6)
    assert found["dice"] == pytest.approx(np.mean([float(score(a, b)) for a, b in zip(p, t, strict=True)]), abs=1e-6)


def test_counting_an_image_twice_is_having_it_twice() -> None:
    rng = np.random.default_rng(1)
    pairs = list(zip(*(rng.random((2, 4, 6, 6)) > 0.5), strict=True))
    once = metrics.segmentation_metrics(table_of(*pairs))
    twice = scored(*pairs, pairs[2])
    for name, metric in once.items():
        assert metric(np.array([[1, 1, 2, 1]]))[0] == pytest.approx(twice[name])


def test_areas_against_scikit_learn() -> None:
    from sklearn.metrics import roc_auc_score

    rng = np.random.default_rng(2)
    truth = rng.integers(0, 3, 60)
    answer = rng.dirichlet([1, 1, 1], 60).round(1) + 1e-3  # rounded, so that there are ties
    answer /= answer.sum(axis=1, keepdims=True)
    expected = [roc_auc_score(truth == one, answer[:, one]) for one in range(3)]
    np.testing.assert_allclose(metrics.auc_each(answer, truth), expected, atol=1e-6)
    weights = rng.integers(0, 4, (5, 60))
    for one in range(3):
        found = metrics.weighted_auc(answer[:, one], truth == one)(weights)
        wanted = [roc_auc_score(truth == one, answer[:, one], sample_weight=row) for row in weights]
        np.testing.assert_allclose(found, wanted, atol=1e-9)


def test_an_area_without_positives_is_unknown() -> None:
    metric = metrics.weighted_auc(np.array([0.1, 0.9, 0.4]), np.array([True, False, False]))
    assert np.isnan(metric(np.array([[0, 1, 1]]))[0])


def test_balanced_accuracy_against_scikit_learn() -> None:
    from sklearn.metrics import balanced_accuracy_score

    rng = np.random.default_rng(3)
    truth, predicted = rng.integers(0, 4, (2, 50))
    found = metrics.balanced_accuracy(predicted, truth, 4)(np.ones((1, 50), int))[0]
    assert found == pytest.approx(balanced_accuracy_score(truth, predicted))

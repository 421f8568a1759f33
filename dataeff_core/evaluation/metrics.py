"""The scores, each under its own name, because papers call several of them mIoU.

Of a segmentation, on each mask's own pixels with the prediction cut at a probability of 0.5:

- fg_iou_mean_per_image: IoU of the foreground in each image, averaged over images. By inference the one that MedDEL
  reports: the paper does not define its mIoU, but its values exclude any mean over two classes.
- fg_iou_pooled: intersection over union of the foreground pixels of all images together; large masks count more.
- two_class_mean: mean of fg_iou_pooled and the same of the background; near 0.5 for predicting nothing.
- dice: 2 |A and B| / (|A| + |B|) of the foreground in each image, averaged over images.

Two empty masks count as 1 in each of them. Of a classification: the area under the ROC curve.
"""

from collections.abc import Callable

import numpy as np

Metric = Callable[[np.ndarray], np.ndarray]
"""Weights (r, n) of n images -> (r,): the metric where image i counts w_i times, in r resamples at once."""


def counts(predicted: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """(4,) int64: true negatives, false positives, false negatives, true positives of two bool masks (h, w)."""
    import torch
    from torchmetrics.functional.classification import binary_confusion_matrix

    found, wanted = (torch.from_numpy(np.ascontiguousarray(mask, dtype=np.uint8)) for mask in (predicted, truth))
    return binary_confusion_matrix(found, wanted, validate_args=False).numpy().ravel().astype(np.int64)


def ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """part / whole, 1 where both are 0: nothing there and nothing found is all right."""
    return np.where(whole > 0, part / np.maximum(whole, 1), 1.0)


def iou(table: np.ndarray) -> np.ndarray:
    """(n, 4) counts -> (n,) IoU of the foreground."""
    _, false_positive, false_negative, true_positive = table.T
    return ratio(true_positive, true_positive + false_positive + false_negative)


def dice(table: np.ndarray) -> np.ndarray:
    """(n, 4) counts -> (n,) Dice coefficient of the foreground."""
    _, false_positive, false_negative, true_positive = table.T
    return ratio(2 * true_positive, 2 * true_positive + false_positive + false_negative)


def segmentation_metrics(table: np.ndarray) -> dict[str, Metric]:
    """(n, 4) counts of n images -> the metrics by name."""
    per_image, overlap = iou(table), dice(table)

    def pooled(weights: np.ndarray) -> np.ndarray:
        return iou(weights @ table)

    def both(weights: np.ndarray) -> np.ndarray:
        together = weights @ table
        return (iou(together) + iou(together[:, ::-1])) / 2  # seen from the background, the counts are mirrored

    return {
        "fg_iou_mean_per_image": lambda weights: weights @ per_image / weights.sum(axis=1),
        "fg_iou_pooled": pooled,
        "two_class_mean": both,
        "dice": lambda weights: weights @ overlap / weights.sum(axis=1),
    }


def values(metrics: dict[str, Metric], images: int) -> dict[str, float]:
    """Each metric of all images, each counted once."""
    return {name: float(metric(np.ones((1, images), np.int64))[0]) for name, metric in metrics.items()}


def auc_each(probabilities: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """(n, c) probabilities and (n,) int class -> (c,) area under the ROC curve of each class against the others."""
    import torch
    from torchmetrics.functional.classification import multiclass_auroc

    found = multiclass_auroc(
        torch.from_numpy(np.ascontiguousarray(probabilities, dtype=np.float64)),
        torch.from_numpy(truth.astype(np.int64)),
        num_classes=probabilities.shape[1],
        average=None,
    )
    return found.numpy()


def weighted_auc(scores: np.ndarray, positive: np.ndarray) -> Metric:
    """The area under the ROC curve as a `Metric`: scores (n,), positive (n,) bool. NaN for a resample that lacks
    positives or negatives; ties count half."""
    order = np.argsort(scores, kind="stable")
    ranked = positive[order]
    begins = np.flatnonzero(np.diff(scores[order], prepend=-np.inf))  # of each run of equal scores

    def metric(weights: np.ndarray) -> np.ndarray:
        sorted_weights = weights[:, order]
        up = np.add.reduceat(sorted_weights * ranked, begins, axis=1)
        down = np.add.reduceat(sorted_weights * ~ranked, begins, axis=1)
        below = np.cumsum(down, axis=1) - down / 2
        pairs = up.sum(axis=1) * down.sum(axis=1)
        return np.where(pairs > 0, (up * below).sum(axis=1) / np.maximum(pairs, 1), np.nan)

    return metric


def balanced_accuracy(predicted: np.ndarray, truth: np.ndarray, classes: int) -> Metric:
    """Mean over classes of the share of their images that were recognised, as a `Metric`; (n,) int each."""

    def metric(weights: np.ndarray) -> np.ndarray:
        recalls = []
        for one in range(classes):
            of = truth == one
            total = weights[:, of].sum(axis=1)
            right = weights[:, of & (predicted == one)].sum(axis=1)
            recalls.append(np.where(total > 0, right / np.maximum(total, 1), np.nan))
        return mean_known(np.stack(recalls))

    return metric


def mean_known(rows: np.ndarray) -> np.ndarray:
    """(c, r) -> (r,): mean over the classes that are known (not NaN), NaN where none is."""
    known = ~np.isnan(rows)
    return np.where(known.any(axis=0), np.nansum(rows, axis=0) / np.maximum(known.sum(axis=0), 1), np.nan)

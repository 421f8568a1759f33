"""UMAP (McInnes, Healy, Melville 2018, arXiv 1802.03426) by umap-learn, from neighbours found by faiss."""

import contextlib
import io
import warnings

import numpy as np

from dataeff_core.reporting import Reporter

BEGIN_SIDE = 10.0  # extent of the first layout, as in umap-learn
JITTER = 1e-3  # added to it, so that equal frames do not begin on one spot


def umap_layout(
    indices: np.ndarray,
    distances: np.ndarray,
    *,
    start: np.ndarray,
    min_dist: float = 0.1,
    seed: int = 0,
    reporter: Reporter | None = None,
) -> np.ndarray:
    """(n, 2) float32 from each row's k nearest, itself first: indices (n, k) int64, distances (n, k) float32.

    Begins at `start` (n, 2) within [-1, 1]; the principal axes are our choice instead of the graph's spectrum. With
    the neighbours given, umap-learn looks at nothing else of the vectors, so it gets `start` in their place. Seeded,
    so umap-learn works on one processor. Raises Cancelled between epochs.
    """
    reporter = reporter or Reporter()
    reporter.phase("loading umap")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from umap import UMAP

        begin = (start * (BEGIN_SIDE / 2)).astype(np.float32)
        begin += np.random.default_rng(seed).normal(scale=JITTER, size=begin.shape).astype(np.float32)
        model = UMAP(
            n_neighbors=indices.shape[1],
            min_dist=min_dist,
            metric="cosine",
            init=begin,
            precomputed_knn=(indices, distances, None),
            random_state=seed,
            n_jobs=1,
            verbose=True,
            tqdm_kwds={"file": _Epochs(reporter), "bar_format": "{n_fmt}/{total_fmt}", "mininterval": 0.1},
        )
        with contextlib.redirect_stdout(io.StringIO()):  # what `verbose` says beside the bar
            xy = model.fit_transform(begin)
    return np.nan_to_num(np.asarray(xy, np.float32))


class _Epochs(io.TextIOBase):
    """What umap-learn's progress bar writes to: hands the epochs on, and stops the layout when asked."""

    def __init__(self, reporter: Reporter) -> None:
        super().__init__()
        self.reporter = reporter

    def write(self, text: str) -> int:
        done, slash, total = text.strip().partition("/")
        if slash and done.isdigit() and total.isdigit():
            if self.reporter.phase_name != "layout":
                self.reporter.phase("layout", int(total))
            self.reporter.advance(int(done) - self.reporter.done)
        return len(text)

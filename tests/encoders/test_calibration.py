"""The limit is where the wished share of copies lies above it, and not where strangers begin."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from dataeff_core.datasets.importing import import_frames
from dataeff_core.encoders import make
from dataeff_core.encoders.calibration import calibrate, floor_against
from dataeff_core.encoders.embedding import embed
from dataeff_core.errors import BadInput, Cancelled, Stale
from dataeff_core.reporting import Reporter
from dataeff_core.workspace import Dataset, Embedding, Workspace
from dataeff_core.workspace.calibrations import LEAST_RECALL, calibrations, eta_for
from tests.encoders.test_descriptor import view

SIMILARITIES = arrays.arrays(np.float32, st.integers(1, 200), elements=st.floats(-1, 1, width=32))


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, Dataset, Embedding]:
    """40 views in two groups, embedded by the descriptor."""
    root = tmp_path_factory.mktemp("calibration")
    for group in ("a", "b"):
        (root / "frames" / group).mkdir(parents=True)
    for seed in range(40):
        Image.fromarray(view(seed)).save(root / "frames" / "ab"[seed % 2] / f"{seed}.png")
    workspace = Workspace.open(root / "workspace")
    import_frames(workspace, root / "frames", name="views", workers=1)
    dataset = workspace.dataset("views")
    return workspace, dataset, embed(workspace, dataset, make("descriptor"), workers=0)


def test_it_measures_stores_and_repeats(embedded: tuple[Workspace, Dataset, Embedding]) -> None:
    workspace, dataset, embedding = embedded
    found = calibrate(workspace, dataset, embedding, recall=0.95)
    assert found.record.copies == 3 * 40
    assert found.record.pairs == 40 * 20  # of the other group
    assert found.record.recall == pytest.approx((found.copies > found.eta).mean())
    assert found.record.wrong_removal == pytest.approx((found.strangers > found.eta).mean())
    assert found.record.recall >= LEAST_RECALL
    assert np.quantile(found.strangers, 0.98) < found.eta < np.median(found.copies)
    again = calibrate(workspace, dataset, embedding, recall=0.95)
    assert again.eta == found.eta
    assert [one.record.id for one in calibrations(embedding)] == [again.record.id]


def test_the_newest_comes_last_and_other_wishes_are_kept_beside(
    embedded: tuple[Workspace, Dataset, Embedding],
) -> None:
    workspace, dataset, embedding = embedded
    low = calibrate(workspace, dataset, embedding, recall=0.5)
    high = calibrate(workspace, dataset, embedding)
    assert high.eta < low.eta
    assert calibrations(embedding)[-1].record.id == high.record.id
    assert low.eta_for(0.99) == high.eta


def test_refusals(embedded: tuple[Workspace, Dataset, Embedding]) -> None:
    workspace, dataset, embedding = embedded
    for recall in (0.0, -0.1, 1.1, float("nan")):
        with pytest.raises(BadInput, match="recall"):
            calibrate(workspace, dataset, embedding, recall=recall)
    changed = Dataset(dataset.folder, dataset.record.model_copy(update={"fingerprint": "0" * 64}))
    with pytest.raises(Stale):
        calibrate(workspace, changed, embedding)


def test_a_stop_leaves_nothing_behind(embedded: tuple[Workspace, Dataset, Embedding]) -> None:
    workspace, dataset, embedding = embedded

    class Stop(Reporter):
        def stop_asked(self) -> bool:
            return self.done > 0

    before = [one.record.id for one in calibrations(embedding)]
    with pytest.raises(Cancelled):
        calibrate(workspace, dataset, embedding, recall=0.7, reporter=Stop())
    assert [one.record.id for one in calibrations(embedding)] == before


@pytest.mark.parametrize("count", [1, 3])
def test_few_frames_can_be_calibrated(tmp_path: Path, count: int) -> None:
    (tmp_path / "frames").mkdir()
    for seed in range(count):
        Image.fromarray(view(seed)).save(tmp_path / "frames" / f"{seed}.png")
    workspace = Workspace.open(tmp_path / "workspace")
    import_frames(workspace, tmp_path / "frames", name="few", workers=1)
    dataset = workspace.dataset("few")
    found = calibrate(workspace, dataset, embed(workspace, dataset, make("descriptor"), workers=0))
    assert -1 <= found.eta <= 1
    assert found.record.copies == 3 * count
    assert found.record.recall >= LEAST_RECALL


@given(SIMILARITIES, st.floats(0.01, 1))
def test_without_a_floor_at_least_the_wished_share_exceeds_eta(copies: np.ndarray, recall: float) -> None:
    eta = eta_for(copies, recall)
    assert -1 <= eta <= 1
    if eta > -1:
        assert (copies > eta).mean() >= recall - 1e-9


@given(SIMILARITIES, st.floats(0.01, 1), st.floats(0.01, 1), st.floats(-1, 1))
def test_eta_falls_with_recall_and_rises_with_the_floor(
    copies: np.ndarray, one: float, other: float, floor: float
) -> None:
    low, high = sorted((one, other))
    assert eta_for(copies, high, floor) <= eta_for(copies, low, floor)
    assert eta_for(copies, high, floor) >= eta_for(copies, high)


@given(SIMILARITIES, st.floats(0.91, 1))
def test_the_floor_never_costs_more_than_agreed(copies: np.ndarray, recall: float) -> None:
    eta = eta_for(copies, recall, floor=1.0)
    assert eta == -1 or (copies > eta).mean() >= LEAST_RECALL - 1e-9


def test_the_floor_continues_an_exponential_tail_exactly() -> None:
    rate, compared = 20.0, 1000
    shares = (np.arange(200_000) + 0.5) / 200_000
    strangers = 0.1 - np.log(1 - shares) / rate  # share above s: exp(-rate (s - 0.1))
    expected = 0.1 + np.log(compared / 0.1) / rate  # 0.1 pairs a frame, each counted twice
    assert floor_against(strangers.clip(-1, 1), compared) == pytest.approx(expected, abs=0.01)


def test_real_copies_among_strangers_hardly_move_the_floor() -> None:
    rng = np.random.default_rng(0)
    strangers = rng.normal(0.15, 0.08, 200_000)
    with_copies = np.concatenate([strangers, rng.normal(0.9, 0.05, 1000)]).clip(-1, 1)
    assert floor_against(with_copies, 1000) == pytest.approx(floor_against(strangers, 1000), abs=0.05)


def test_few_pairs_give_no_floor() -> None:
    assert floor_against(np.zeros(49), 10) == -1

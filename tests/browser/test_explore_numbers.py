"""The browser decides as Python does: the same codes for every frame, on ties, at the limits, with NaN."""

import json
from collections.abc import Iterator
from dataclasses import asdict

import numpy as np
import pytest

from dataeff_core.selection.scored import MedDELScores
from dataeff_core.selection.scoring import outside_codes
from dataeff_core.ui import gallery, quantities, routes
from dataeff_core.ui.explore.explored import SHARE, Limits, decide
from dataeff_core.ui.explore.lasso import rows_inside
from tests.browser.conftest import Server, start_server

N = 3000


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    root = tmp_path_factory.mktemp("numbers")
    with start_server(root / "workspace", root / "server.log") as running:
        yield running


DECIDE = """async ([module, sent, limits]) => {
  const { decide } = await import(module);
  const numbers = (text) => Float32Array.from(text, (one) => one === null ? NaN : one);
  const scores = { F: numbers(sent.F), d: numbers(sent.d), invalid: sent.invalid && numbers(sent.invalid) };
  const ids = Uint8Array.from(sent.ids.match(/../g), (two) => parseInt(two, 16));
  return limits.map((one) => {
    const codes = new Uint8Array(sent.F.length);
    const told = decide(codes, scores, one, ids);
    return { codes: Array.from(codes), kept: told.kept, removed: told.removed, eta: told.eta };
  });
}"""


def scores_with(
    rng: np.random.Generator, limits: Limits, *, ties: bool, invalid: bool
) -> tuple[MedDELScores, np.ndarray]:
    """Scores as `rescore` leaves them: NaN where a frame was set aside; and frame ids in no order."""
    step = 0.01 if ties else 1e-7
    distances = rng.uniform(0, 1, N).astype(np.float32)
    invalid_score = rng.uniform(0, 1, N).astype(np.float32) if invalid else None
    similarity = (np.round(rng.uniform(-1, 1, N) / step) * step).astype(np.float32)
    similarity[rng.integers(0, N, 50)] = np.float32(limits.eta)  # just on the limit: kept
    distances[rng.integers(0, N, 50)] = np.float32(limits.epsilon)
    outside = outside_codes(distances, invalid_score, epsilon=limits.epsilon, invalid=limits.invalid)
    similarity[outside != 0] = np.nan
    scores = MedDELScores(
        labels=np.zeros(N, np.int32),
        distances=distances,
        insertion_similarity=similarity,
        invalid_score=invalid_score,
        outside=outside,
        k=1,
        seed=0,
        rule="cover",
        keep="near",
        epsilon=limits.epsilon,
        invalid=limits.invalid,
    )
    return scores, np.array([f"{one:016x}" for one in rng.integers(0, 2**63, N)], dtype=object)


def as_json(values: np.ndarray | None) -> list[float | None] | None:
    return None if values is None else [None if np.isnan(one) else float(one) for one in values]


@pytest.mark.browser
@pytest.mark.parametrize("ties", [True, False])
@pytest.mark.parametrize("invalid", [True, False])
def test_javascript_and_python_decide_alike(page, server, ties: bool, invalid: bool) -> None:
    rng = np.random.default_rng(7)
    page.goto(server.url)
    module = f"{server.url}{routes.explorer_url('assets/explorer_data.js', token=False)}"
    base = Limits(epsilon=0.7, invalid=0.8)
    scores, ids = scores_with(rng, Limits(eta=0.1, epsilon=0.7, invalid=0.8), ties=ties, invalid=invalid)
    wanted = [Limits("similar", eta, base.epsilon, base.invalid) for eta in (-1.0, 0.1, 0.30000000001, 0.77, 1.0)]
    wanted += [Limits(SHARE, 0.1, base.epsilon, base.invalid, keep) for keep in (1e-9, 0.0005, 0.1, 0.2505, 0.4, 1.0)]
    sent = {
        "F": as_json(scores.insertion_similarity),
        "d": as_json(scores.distances),
        "invalid": as_json(scores.invalid_score),
        "ids": "".join(ids),
    }
    told = page.evaluate(DECIDE, [module, json.loads(json.dumps(sent)), [asdict(one) for one in wanted]])
    for limits, answer in zip(wanted, told, strict=True):
        codes, eta = decide(scores, ids, limits)
        assert np.array_equal(np.array(answer["codes"], np.uint8), codes), limits
        assert answer["kept"] == int((codes == 0).sum())
        assert answer["removed"] == [int((codes == code).sum()) for code in range(6)]
        assert answer["eta"] == pytest.approx(eta, abs=0)


@pytest.mark.browser
def test_javascript_and_python_write_times_and_numbers_alike(page, server) -> None:
    page.goto(server.url)
    module = f"{server.url}{routes.module_url('explorer_text.js')}"
    times = [0, 0.04, 0.05, 0.25, 0.75, 9.96, 59.94, 59.95, 59.96, 82.44, 82.45, 599.99, 3599.96, 3600, 36000.05]
    for written, python, values in (
        ("clock", gallery.clock, times),
        ("number", quantities.count, [0, 7, 999, 1000, 88_282, 1_000_000]),
        ("percent", quantities.share, [0, 0.1, 0.2183, 0.9999, 1]),
    ):
        told = page.evaluate(
            "async ([m, name, all]) => { const text = await import(m); return all.map((one) => text[name](one)); }",
            [module, written, values],
        )
        assert told == [python(one) for one in values]


@pytest.mark.browser
def test_javascript_and_python_agree_on_the_lasso(page, server) -> None:
    rng = np.random.default_rng(3)
    page.goto(server.url)
    module = f"{server.url}{routes.explorer_url('assets/explorer_data.js', token=False)}"
    xy = rng.uniform(-1, 1, (N, 2)).astype(np.float32)
    for corners in (3, 17, 200):
        polygon = np.round(rng.uniform(-1, 1, 2 * corners), 6).tolist()
        polygon[:2] = [float(xy[0, 0]), float(xy[0, 1])]  # a corner just on a point
        inside = page.evaluate(
            "async ([m, p, x, y]) => (await import(m)).rowsInside(p, Float32Array.from(x), Float32Array.from(y))",
            [module, polygon, xy[:, 0].tolist(), xy[:, 1].tolist()],
        )
        assert inside == np.flatnonzero(rows_inside(polygon, xy)).tolist()

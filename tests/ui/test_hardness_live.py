"""The margins: what the browser counts by is what the core counts, and only what can be a margin becomes one."""

import numpy as np
import pytest

from dataeff_core.hardness.choosing import PatchRules, Ranked
from dataeff_core.hardness.information import Moments
from dataeff_core.ui.hardness.live import Margins, readable
from dataeff_core.ui.hardness.payload import STEPS, bands, margins_table
from tests.ui.test_explorer_payload import unpack


def ranked(m: int, *, frames: int = 7, seed: int = 0) -> Ranked:
    rng = np.random.default_rng(seed)
    of = rng.integers(0, frames, m)
    hardness = rng.lognormal(size=m).astype(np.float32)
    hardness[: m // 10] = 0
    moments = Moments(rng.random((m, 3)), rng.random(m) + 1, rng.random(m))
    return Ranked(hardness, of.astype(str).astype(object), (of % 3).astype(str).astype(object), moments)


@pytest.mark.parametrize("m", [1, 3, 160, 4999, 10_000, 123_457])
def test_every_margin_lies_where_the_core_puts_it(m: int) -> None:
    found = ranked(m)
    start, stop = bands(m)
    for step in range(0, STEPS + 1, 7 if m < 10_000 else 97):
        quantile = step / STEPS
        assert found.band(PatchRules(lower=quantile, upper=None))[0] == start[step]
        assert found.band(PatchRules(lower=0, upper=quantile)) == (0, stop[step])


def test_the_table_holds_hardness_sums_and_frames() -> None:
    found = ranked(500)
    header, table = unpack(margins_table(found))
    assert (header["patches"], header["frames"], header["groups"]) == (500, 7, 3)
    for lower, upper in ((0, STEPS), (1234, 9876), (5000, 5100)):
        rules = PatchRules(lower=lower / STEPS, upper=upper / STEPS)
        counts, terms = found.counts(rules), found.terms(rules)
        assert table["lower"][lower] == np.float32(counts.lower)
        assert table["upper"][upper] == np.float32(counts.upper)
        sums = table["sums_stop"].reshape(-1, 5)[upper] - table["sums_start"].reshape(-1, 5)[lower]
        assert sums[0] / counts.useful == terms.constant[0]
        assert sums[4] / counts.useful == pytest.approx(terms.variance_given, rel=1e-12)
    assert table["places"][0] == 0
    assert table["places"][-1] == 500
    assert np.array_equal(table["frame"], found.frame)
    assert np.array_equal(table["group"], found.group_of_frame)


def test_half_a_million_patches_take_a_few_megabytes() -> None:
    assert len(margins_table(ranked(500_000, frames=80_000))) < 4_000_000


@pytest.mark.parametrize("m", [1, 2])
def test_hardly_any_patches_make_a_table(m: int) -> None:
    header, table = unpack(margins_table(ranked(m)))
    assert header["patches"] == m
    assert np.isnan(table["lower"][-1])
    assert np.isnan(table["upper"][0])


@pytest.mark.parametrize(
    "given",
    [[], ["0.5"], ["0.1", "0.2", "0.3"], ["x", "0.5"], ["0.6", "0.5"], ["-0.1", "0.5"], ["0.5", "1.1"], [None, None]],
)
def test_what_cannot_be_two_margins_is_none(given: list[object]) -> None:
    assert readable(given) is None
    assert readable(["nan", "1"]) is readable(["0", "inf"]) is readable([{}, []]) is None


def test_margins_are_rounded_to_what_they_can_be_set_to() -> None:
    assert readable(["0.12344", "0.98767"]) == (0.1234, 0.9877)
    assert readable([0, 1]) == (0.0, 1.0)


def test_a_move_of_the_handles_is_taken_and_counted() -> None:
    now = Margins(0.5, 0.98)
    now.take({"lower": 0.25, "upper": 0.75, "move": 3})
    assert (now.pair, now.heard, now.version) == ((0.25, 0.75), 3, 0)
    now.put(0.1, 0.2)
    assert (now.pair, now.heard_then, now.version) == ((0.1, 0.2), 3, 1)


@pytest.mark.parametrize(
    "said", [None, "x", 3, {}, {"lower": 2, "upper": 3, "move": "x"}, {"lower": 0.9, "upper": 0.1}]
)
def test_nonsense_from_the_browser_moves_nothing(said: object) -> None:
    now = Margins(0.5, 0.98)
    now.take(said)
    assert now == Margins(0.5, 0.98)

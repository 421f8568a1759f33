"""The figures of the Hardness page: bars add up to the bands, margins stand where they lie, terms are as computed."""

import numpy as np
import pytest

from dataeff_core.hardness.information import Moments, terms
from dataeff_core.theory.perceptron import curves
from dataeff_core.ui.hardness import figures


def bars(figure: object) -> dict[str, int]:
    return {trace.name: int(np.sum(trace.y)) for trace in figure.data}  # type: ignore[attr-defined]


@pytest.mark.parametrize(("start", "stop"), [(0, 1000), (500, 980), (500, 500), (0, 0), (1000, 1000), (3, 4)])
def test_bars_add_up_to_the_bands(start: int, stop: int) -> None:
    hardness = np.sort(np.random.default_rng(0).lognormal(size=1000))
    told = bars(figures.histogram(hardness, start, stop))
    assert told == {"Too easy": start, "Useful": stop - start, "Suspicious": 1000 - stop}


def test_margins_stand_at_the_first_and_the_last_useful_patch() -> None:
    hardness = np.sort(np.random.default_rng(0).lognormal(size=1000))
    figure = figures.histogram(hardness, 500, 980)
    assert [line.x0 for line in figure.layout.shapes] == [hardness[500], hardness[979]]
    assert [one.x for one in figure.layout.annotations] == pytest.approx(np.log10(hardness[[500, 979]]))


def test_each_patch_is_in_the_bar_of_its_hardness() -> None:
    hardness = np.array([1.0, 1.0, 1.0, 100.0])
    figure = figures.histogram(hardness, 0, 4, bins=2)
    assert figure.data[1].y.tolist() == [3, 1]


@pytest.mark.parametrize("values", [[0.0, 0.0], [0.0, 2.0], [3.0], [5.0, 5.0, 5.0]])
def test_constant_and_equal_patches_are_drawn(values: list[float]) -> None:
    hardness = np.array(values)
    assert sum(bars(figures.histogram(hardness, 0, len(values))).values()) == len(values)


def test_both_terms_are_drawn_against_the_budget_and_the_chosen_marked() -> None:
    rng = np.random.default_rng(0)
    moments = Moments(rng.random((50, 3)), rng.random(50) + 1, rng.random(50))
    found = [terms(moments, np.arange(n)) for n in (1, 5, 20, 50)]
    figure = figures.terms_against_budget(found, found[2])
    lines = [trace for trace in figure.data if trace.mode == "lines"]
    assert [list(line.x) for line in lines] == [[20, 50], [20, 50]]
    assert list(lines[0].y) == [found[2].nothing, found[3].nothing]
    assert list(lines[1].y) == [found[2].given, found[3].given]
    assert [list(trace.y) for trace in figure.data if trace.mode == "markers"] == [
        [found[2].nothing],
        [found[2].given],
    ]


def test_few_patches_are_drawn_all_the_same() -> None:
    moments = Moments(np.full((3, 3), 0.5), np.full(3, 0.5), np.full(3, 0.1))
    figure = figures.terms_against_budget([terms(moments, np.arange(n)) for n in (1, 2, 3)], None)
    assert list(figure.data[0].x) == [1, 2, 3]


def test_the_theorys_curves_are_those_computed() -> None:
    found = curves((20.0,), (0.1, 1.0), dimension=5, repeats=2)
    figure = figures.theory(found, 20.0, 0.2, 0.5)
    drawn = {trace.name: list(trace.y) for trace in figure.data}
    assert drawn["the hardest"] == list(found.of("hard", 20.0))
    assert drawn["random ones"] == list(found.of("random", 20.0))
    assert "chosen now" in [one.text for one in figure.layout.annotations]


@pytest.mark.parametrize(("low", "high"), [(0.013, 0.29), (1e-6, 1e6), (1.0, 1.5)])
def test_ticks_lie_within_and_are_few(low: float, high: float) -> None:
    ticks = figures.ticks_between(low, high)
    assert len(ticks) <= 13
    assert all(low <= one <= high for one in ticks)
    assert ticks

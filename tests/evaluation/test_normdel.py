"""NormDEL against the paper's whole table, a hand computation, and its shape."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataeff_core.cli import main
from dataeff_core.errors import BadInput
from dataeff_core.evaluation import published
from dataeff_core.evaluation.normdel import LEAST, MOST, delta, normdel

FRACTION = st.floats(0, 1)
ALPHA = st.floats(0, 5)


def test_every_cell_of_the_papers_table_3() -> None:
    table = published.table3()
    assert len(table) == 48
    found = normdel(table["miou"].to_numpy(), table["retained"].to_numpy())
    assert np.abs(100 * (found - table["normdel"].to_numpy())).max() < 0.007


def test_the_column_headed_30_percent_is_33() -> None:
    column = published.table3().query("retained == 0.33")
    off = 100 * np.abs(normdel(column["miou"].to_numpy(), 0.30) - column["normdel"].to_numpy())
    assert len(column) == 8
    assert off.min() > 0.25


def test_by_hand() -> None:
    assert delta(0.8, 0.5) == pytest.approx(0.8 * math.exp(-0.5))
    assert normdel(0.8, 0.5) == pytest.approx(1 / (1 + math.exp(-0.8 * math.exp(-0.5))))
    assert normdel(0.8, 0.5, alpha=0) == pytest.approx(1 / (1 + math.exp(-0.8)))
    assert (normdel(0, 1), normdel(1, 0)) == (LEAST, pytest.approx(MOST))
    assert pytest.approx(0.7311, abs=5e-5) == MOST
    assert isinstance(normdel(1, 1), float)


@given(FRACTION, FRACTION, FRACTION, ALPHA)
def test_its_range_and_how_it_moves(first: float, second: float, share: float, alpha: float) -> None:
    low, high = sorted((first, second))
    assert LEAST <= normdel(low, share, alpha) <= normdel(high, share, alpha) <= MOST
    assert normdel(share, high, alpha) <= normdel(share, low, alpha)
    assert normdel(low, share, alpha) <= normdel(low, share, 0)


def test_it_moves_strictly() -> None:
    steps = np.linspace(0, 1, 101)
    assert (np.diff(normdel(steps, 0.3)) > 0).all()
    assert (np.diff(normdel(0.6, steps)) < 0).all()


def test_arrays_are_broadcast() -> None:
    found = normdel(np.array([[0.5], [0.6]]), [0.1, 0.2, 1.0])
    assert found.shape == (2, 3)
    assert found[1, 2] == normdel(0.6, 1.0)
    assert normdel([], []).shape == (0,)


WRONG = [
    (79.38, 0.05, 1, r"miou 79\.38 is not a fraction.*for 79\.38 % give 0\.7938"),
    (0.5, 20, 1, "retained 20 is not a fraction.*give 0.2"),
    (float("nan"), 0.5, 1, "miou nan"),
    (0.5, -0.1, 1, "retained -0.1"),
    (float("inf"), 0.5, 1, "miou inf"),
    (None, 0.5, 1, "miou nan"),
    ("many", 0.5, 1, "'many' is not a number"),
    (0.5, 0.5, -1, "alpha -1"),
    (0.5, 0.5, float("nan"), "alpha nan"),
    ([0.1, 0.2, 63.0], 0.5, 1, "miou 63 .*for 63 %"),
]


@pytest.mark.parametrize(("miou", "retained", "alpha", "sentence"), WRONG)
def test_what_is_no_fraction_is_refused(miou: object, retained: object, alpha: float, sentence: str) -> None:
    for function in (normdel, delta):
        with pytest.raises(BadInput, match=sentence):
            function(miou, retained, alpha)  # type: ignore[call-overload]


def test_the_verb(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["normdel", "--miou", "0.7938", "--retained", "0.05", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["normdel"] == pytest.approx(0.6803, abs=7e-5)
    assert told["del"] == pytest.approx(0.7938 * math.exp(-0.05))
    assert main(["normdel", "--miou", "0.7938", "--retained", "0.05"]) == 0
    assert "NormDEL 0.6803" in capsys.readouterr().out
    assert main(["normdel", "--miou", "79.38", "--retained", "0.05"]) == 2
    assert "for 79.38 % give 0.7938" in capsys.readouterr().err

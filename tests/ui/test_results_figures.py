"""The figures of the Results page: what they hold, by hand."""

import math

import numpy as np
import pandas as pd
import pytest

from dataeff_core.evaluation.normdel import normdel
from dataeff_core.evaluation.published import table3
from dataeff_core.ui.results import benchmark_charts, benchmark_views, figures
from dataeff_core.ui.results.figures import DEVIATION, INTERVAL, Published
from dataeff_core.ui.results.styles import styles

T_975_OF_2 = 4.30265273
ROWS = [("full", 1.0, seed, 1.0, score) for seed, score in enumerate([0.60, 0.62, 0.61])]
ROWS += [("meddel", 0.2, seed, 0.19, score) for seed, score in enumerate([0.58, 0.60, 0.59])]
ROWS += [("meddel", 0.05, 0, 0.05, 0.5)]
TABLE = pd.DataFrame(ROWS, columns=["method", "keep", "seed", "retained", "miou"])


def named(figure: object, start: str):
    return next(one for one in figure.data if one.name and one.name.startswith(start))  # type: ignore[attr-defined]


def test_lines_hold_means_and_bars_the_interval() -> None:
    line = named(figures.against_kept(TABLE), "MedDEL (")
    assert list(line.x) == pytest.approx([5.0, 19.0])
    assert list(line.y) == pytest.approx([0.5, 0.59])
    half = T_975_OF_2 * 0.01 / math.sqrt(3)
    assert line.error_y.array[1] == pytest.approx(half)
    assert line.error_y.arrayminus[1] == pytest.approx(half)
    assert np.isnan(line.error_y.array[0])  # one seed has no bar
    assert line.text[0] == "0.5000, one seed"


def test_bars_can_be_the_standard_deviation() -> None:
    line = named(figures.against_kept(TABLE, error=DEVIATION), "MedDEL (")
    assert line.error_y.array[1] == pytest.approx(0.01)
    assert "standard deviation" in line.text[1]
    assert set(figures.ERRORS) == {INTERVAL, DEVIATION}


def test_every_seed_is_a_dot() -> None:
    figure = figures.against_kept(TABLE)
    of_seeds = [one for one in figure.data if (one.name or "").endswith(", seeds")]
    dots = [(x, y) for one in of_seeds for x, y in zip(one.x, one.y, strict=True)]
    assert sorted(dots) == sorted((100 * row[3], row[4]) for row in ROWS)


def test_full_data_is_a_band_over_the_whole_width() -> None:
    figure = figures.against_kept(TABLE)
    line = named(figure, "all frames (")
    assert list(line.y) == pytest.approx([0.61, 0.61])
    assert line.x[0] < 5
    assert line.x[1] == 100
    band = next(one for one in figure.data if one.fill == "toself")
    half = T_975_OF_2 * 0.01 / math.sqrt(3)
    assert (min(band.y), max(band.y)) == pytest.approx((0.61 - half, 0.61 + half))


def test_the_axis_is_log_or_linear_with_ticks_at_what_was_measured() -> None:
    log = figures.against_kept(TABLE).layout.xaxis
    linear = figures.against_kept(TABLE, log=False).layout.xaxis
    assert (log.type, linear.type) == ("log", "linear")
    assert list(log.ticktext) == ["5", "19", "100"]
    assert linear.range[0] == 0


def test_published_figures_stand_behind_in_their_own_grey() -> None:
    figure = figures.against_kept(TABLE, published=Published("published: X", [0.05, 1.0], [0.4, 0.5]))
    assert figure.data[0].name == "published: X"
    assert list(figure.data[0].x) == [5.0, 100.0]
    assert figure.data[0].line.color not in {look.light for look in styles(["full", "meddel", "random"]).values()}


def test_one_cell_alone_can_be_drawn() -> None:
    assert figures.against_kept(TABLE.iloc[:1]).data
    assert figures.against_kept(TABLE.iloc[-1:], "miou", error=DEVIATION, log=False, dark=True).data


def test_the_paper_s_table_is_drawn_as_printed_and_worked_out_at_another_alpha() -> None:
    rows = table3().query("dataset == 'ETIS'").sort_values("retained")
    printed = benchmark_charts.published("ETIS", "normdel")
    other = benchmark_charts.published("ETIS", "normdel", 0.5)
    assert printed is not None
    assert other is not None
    assert list(printed.y) == rows["normdel"].tolist()
    assert list(other.y) == pytest.approx(normdel(rows["miou"].to_numpy(), rows["retained"].to_numpy(), 0.5).tolist())
    assert benchmark_charts.published("none", "miou") is None
    assert len(benchmark_views.published_lengths("Kvasir-SEG")) == 2


def test_what_alpha_does_is_said_with_its_number() -> None:
    assert "exceeds 0.39; so read both" in benchmark_charts.explained(1.0, 0.05)
    assert f"exceeds {math.exp(-2 * 0.8):.2f}" in benchmark_charts.explained(2.0, 0.2)
    assert "the share does not count" in benchmark_charts.explained(0.0, 0.05)
    passes = math.exp(-0.95)  # the claim itself: just above wins against a perfect full model, just below does not
    assert normdel(passes + 1e-6, 0.05) > normdel(1.0, 1.0) > normdel(passes - 1e-6, 0.05)


def test_a_box_holds_the_epochs_of_all_its_seeds() -> None:
    rows = [("meddel", 0.2, seed, epoch, 0.5 + 0.01 * epoch) for seed in range(2) for epoch in range(3)]
    rows += [("full", 1.0, 0, epoch, 0.6) for epoch in range(3)]
    figure = figures.last_epochs(pd.DataFrame(rows, columns=["method", "keep", "seed", "epoch", "miou"]))
    box = named(figure, "MedDEL")
    assert sorted(box.y) == pytest.approx([0.5, 0.5, 0.51, 0.51, 0.52, 0.52])
    assert set(box.x) == {"20 %"}
    assert figure.layout.xaxis.type == "category"
    assert list(figure.layout.xaxis.categoryarray) == ["20 %", "100 %"]


def test_epochs_are_means_with_the_range_of_the_seeds() -> None:
    rows = [("meddel", 0.2, seed, epoch, score) for seed, epoch, score in [(0, 10, 0.4), (1, 10, 0.5), (0, 20, 0.6)]]
    curves = pd.DataFrame(rows, columns=["method", "keep", "seed", "epochs", "miou"])
    line = named(figures.over_epochs(curves), "MedDEL, 20 %")
    assert list(line.x) == [10, 20]
    assert list(line.y) == pytest.approx([0.45, 0.6])
    assert line.error_y.array[0] == pytest.approx(0.05)


def test_test_images_are_all_counted() -> None:
    figure = figures.per_image(pd.Series([0.0, 0.31, 0.99, 1.0]), mean=0.575)
    assert len(figure.data[0].x) == 4
    assert figure.layout.shapes[0].x0 == 0.575


def test_a_picture_is_written_by_the_browser_under_a_telling_name() -> None:
    made = figures.config("frames-on-polyps-miou", "png")["toImageButtonOptions"]
    assert (made["filename"], made["format"]) == ("frames-on-polyps-miou", "png")


def test_methods_keep_their_looks_and_unknown_ones_get_one() -> None:
    known = ["full", "meddel", "random", "every_nth", "vinformation", "optidel"]
    looks = styles([*known, "new_one", "another", "third", "fourth"])
    assert len({look.shape for look in looks.values()}) == len(looks)
    assert len({look.light for look in looks.values()}) == len(looks)
    assert len({look.dark for look in looks.values()}) == len(looks)
    assert len({look.mark for look in looks.values()}) == len(looks)
    assert looks["new_one"].name == "new one"
    assert styles(["meddel"])["meddel"] == looks["meddel"]

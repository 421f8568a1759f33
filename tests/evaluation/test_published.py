"""The paper's tables as they come with the program."""

import numpy as np

from dataeff_core.evaluation import published


def test_tables_hold_what_the_paper_prints() -> None:
    assert len(published.table1()) == 14
    ratios = published.table2()
    assert (ratios["epochs"] * ratios["ratio_printed"]).round(-1).tolist() == [200.0] * 6
    assert (ratios["remaining"] / 88_282 - ratios["ratio_printed"]).abs().max() < 0.011
    scores = published.table3()
    assert scores.groupby("dataset")["retained"].agg(list).map(tuple).unique().tolist() == [
        (0.05, 0.1, 0.2, 0.33, 0.5, 1.0)
    ]
    assert scores["miou"].between(0, 1).all() and scores["normdel"].between(0.5, 0.7311).all()


def test_table_4_ends_where_table_3_stands() -> None:
    """The last column of each share is the model of Table 3, to two of the paper's last digits."""
    last = published.table4().sort_values("epochs").groupby(["dataset", "retained"])["miou"].last()
    scores = published.table3().set_index(["dataset", "retained"])["miou"]
    both = scores.loc[last.index]
    assert len(both) == 16
    assert np.isclose(both, last, atol=2e-4).mean() > 0.9


def test_a_caller_cannot_change_them() -> None:
    scores, sets = published.table3(), published.table1()
    scores["miou"], sets["frames"] = 0.0, 0
    assert published.table3()["miou"].min() > 0.4
    assert published.table1()["frames"].min() > 0

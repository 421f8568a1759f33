"""Filters show just the frames that fit all of them, and the borderline order begins at the limit."""

import numpy as np

from dataeff_core.ui.explore.explored import Explored, Limits
from dataeff_core.ui.explore.galleries import ORDERS, Filter, distance_to_limit, shown_rows

EVERYTHING = (-2.0, -2.0, 2.0, -2.0, 2.0, 2.0, -2.0, 2.0)


def test_without_a_filter_every_frame_is_shown_once(explored: Explored, strict: Limits) -> None:
    decided = explored.decide(strict)
    kept, removed = shown_rows(explored, decided, Filter(polygon=EVERYTHING))
    assert sorted([*kept, *removed]) == list(range(len(decided)))
    assert len(kept) == decided.kept_count


def test_all_filters_hold_at_once(explored: Explored, strict: Limits) -> None:
    decided = explored.decide(strict)
    group = str(explored.dataset.frames["group"].iat[0])
    cluster = int(decided.scores.labels[0])
    kept, removed = shown_rows(explored, decided, Filter(group=group, cluster=cluster, reasons=("duplicate",)))
    for rows, codes in ((kept, {0}), (removed, {1})):
        assert set(decided.codes[rows].tolist()) <= codes
        assert (explored.dataset.frames["group"].to_numpy()[rows] == group).all()
        assert (decided.scores.labels[rows] == cluster).all()
    expected = (decided.codes == 1) & (explored.dataset.frames["group"] == group) & (decided.scores.labels == cluster)
    assert len(removed) == int(expected.sum())


def test_a_lasso_around_nothing_shows_nothing(explored: Explored, strict: Limits) -> None:
    nowhere = (5.0, 5.0, 6.0, 5.0, 6.0, 6.0)
    assert not any(len(rows) for rows in shown_rows(explored, explored.decide(strict), Filter(polygon=nowhere)))


def test_the_borderline_order_begins_at_the_limit(explored: Explored, strict: Limits) -> None:
    decided = explored.decide(strict)
    away = distance_to_limit(decided)
    assert not np.isnan(away[decided.codes != 0]).any()
    for rows in shown_rows(explored, decided, Filter(order=ORDERS[1])):
        assert (np.diff(away[rows]) >= 0).all()

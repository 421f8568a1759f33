"""What the page tells the browser of its limits, and what it has heard by then."""

from dataclasses import replace

from dataeff_core.ui.explore.explored import Limits
from dataeff_core.ui.explore.explorer import View, moves_of, resend


def test_limits_are_told_with_the_move_that_they_follow() -> None:
    """A browser that has moved on since must be able to tell that what it is sent is older than its own."""
    start = Limits()
    view = View("a/b", start, start, start)
    resend(view)
    assert (view.version, view.heard_sent) == (0, 0)
    view.limits, view.heard = replace(start, keep=0.12), 1
    resend(view)
    assert (view.version, view.heard_sent, view.sent.keep) == (1, 1, 0.12)
    view.limits, view.heard = replace(start, keep=0.125), 2  # heard, but not told: the browser knows
    assert view.heard_sent == 1
    resend(view)
    assert (view.version, view.heard_sent) == (2, 2)


def test_a_move_without_a_sound_number_is_none() -> None:
    assert [moves_of(one) for one in ({"move": 3}, {"move": -1}, {"move": "3"}, {}, None, [1])] == [3, 0, 0, 0, 0, 0]

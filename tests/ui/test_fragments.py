"""Parts of a page that run on their own: when one of them may run the whole page anew."""

from types import SimpleNamespace

import pytest
import streamlit as st

from dataeff_core.ui import fragments


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch):
    """Call `renew_page` as if these fragments ran; whether it ran the whole page anew."""
    monkeypatch.setattr(st, "session_state", {})

    def renewed(*running: str, context: bool = True, page: str = "here") -> bool:
        found = (
            SimpleNamespace(fragment_ids_this_run=list(running) or None, page_script_hash=page) if context else None
        )
        monkeypatch.setattr(fragments, "get_script_run_ctx", lambda: found)
        asked: list[bool] = []
        monkeypatch.setattr(st, "empty", lambda: None)
        monkeypatch.setattr(st, "rerun", lambda: asked.append(True))
        fragments.renew_page()
        return bool(asked)

    return renewed


def test_a_fragment_that_runs_alone_renews_the_page(run) -> None:
    assert run("jobs")
    assert run("jobs")


def test_a_click_that_came_with_it_is_not_thrown_away(run) -> None:
    assert not run("jobs", "steps")
    assert run("jobs")


def test_fragments_that_look_at_the_same_beat_do_not_keep_each_other_from_it(run) -> None:
    found = [run("jobs", "runs") for _ in range(fragments.MOST_PASSED + 2)]
    assert found == [False] * fragments.MOST_PASSED + [True, False]


def test_while_the_whole_page_runs_there_is_nothing_to_renew(run) -> None:
    assert not any(run() for _ in range(fragments.MOST_PASSED + 2))
    assert not run(context=False)


def test_a_look_from_the_page_left_does_not_lead_back_there(run) -> None:
    here, left = (SimpleNamespace(_script_hash=name) for name in ("here", "left"))
    fragments.remember_page(here, [here, left])
    assert not run("jobs", page="left")
    assert run("jobs", page="here")
    fragments.remember_page(left, [here, left])
    assert run("jobs", page="left")

"""The page as Streamlit runs it: what it says while something is missing, and odd datasets."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Selectbox

from dataeff_core import jobs
from dataeff_core.ui.explore import explored as family
from dataeff_core.ui.explore.explored import Explored, Limits
from dataeff_core.ui.explore.explorer import View
from dataeff_core.ui.explore.galleries import EASIEST, HARDEST, ORDERS
from dataeff_core.workspace import Workspace
from dataeff_core.workspace.storage import write_array
from tests.fabricated_scores import fabricate_patches, fabricate_scores
from tests.fabrication import fabricate
from tests.pages.conftest import APP, texts


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where this test's workspace is."""
    monkeypatch.setenv("DATAEFF_WORKSPACE", str(tmp_path / "workspace"))
    return tmp_path / "workspace"


@pytest.fixture
def open_page() -> Callable[..., AppTest]:
    def run(**query: str) -> AppTest:
        app = AppTest.from_file(str(APP), default_timeout=60)
        for key, value in query.items():
            app.query_params[key] = value
        app = app.run()
        assert not app.exception
        return app

    return run


def headings(app: AppTest) -> str:
    return "\n".join(one.value for one in app.markdown if one.value.startswith("####"))


def test_without_a_dataset_it_says_where_to_begin(own: Path, open_page: Callable[..., AppTest]) -> None:
    assert "Import a folder" in texts(open_page())


def test_without_an_embedding_it_offers_the_jobs(own: Path, open_page: Callable[..., AppTest]) -> None:
    _, dataset, _, _ = fabricate(own, frames=12)
    shutil.rmtree(dataset.folder / "embeddings")
    app = open_page()
    assert "not compared yet" in texts(app)
    assert [one.label for one in app.button if one.key and one.key.startswith("explore-start")] == [
        "Compare the frames"
    ]
    assert any("embed" in one.value for one in app.code)


def test_without_a_map_it_offers_two(own: Path, open_page: Callable[..., AppTest]) -> None:
    workspace, dataset, _, _ = fabricate(own, frames=12)
    shutil.rmtree(dataset.folder / "maps")
    app = open_page()
    offered = [one for one in app.button if one.key and one.key.startswith("explore-start")]
    assert [one.label for one in offered] == ["Draw the map", "Quick map"]
    app = offered[1].click().run()
    assert not app.exception
    (job,) = jobs.jobs(workspace)
    assert job.argv[:2] == ["map", dataset.id]
    job.cancel()


def test_frames_that_came_later_ask_for_a_new_comparison(own: Path, open_page: Callable[..., AppTest]) -> None:
    _, _, embedding, _ = fabricate(own, frames=12)
    embedding.record.model_copy(update={"dataset_fingerprint": "another"}).write(embedding.folder)
    assert "has changed" in texts(open_page())


def test_too_many_frames_to_wait_for_are_left_to_a_job(
    own: Path, open_page: Callable[..., AppTest], monkeypatch: pytest.MonkeyPatch
) -> None:
    fabricate(own, frames=12)
    monkeypatch.setattr(family, "AT_ONCE", 10)
    app = open_page()
    assert "let a job do it" in texts(app)
    assert any("select" in one.value and "--name=first look" in one.value for one in app.code)


@pytest.mark.parametrize("frames", [1, 2, 3])
def test_very_few_frames(own: Path, open_page: Callable[..., AppTest], frames: int) -> None:
    fabricate(own, frames=frames, groups=1)
    app = open_page()
    assert not app.error
    assert "Kept (" in headings(app)


def test_all_frames_identical(own: Path, open_page: Callable[..., AppTest]) -> None:
    _, _, embedding, _ = fabricate(own, frames=30)
    vectors = np.zeros((30, 32), np.float16)
    vectors[:, 0] = 1
    write_array(embedding.folder / embedding.VECTORS, vectors)
    app = open_page(eta="0.9", invalid="1", mode="similar")
    assert not app.error
    assert "#### Kept (1)" in headings(app)
    assert "#### Removed (29)" in headings(app)


def test_vectors_that_cannot_be_used_are_one_sentence(own: Path, open_page: Callable[..., AppTest]) -> None:
    _, _, embedding, _ = fabricate(own, frames=12)
    vectors = np.array(embedding.vectors)
    vectors[5] = np.nan
    write_array(embedding.folder / embedding.VECTORS, vectors)
    app = open_page()
    assert len(app.error) == 1


def test_a_link_restores_the_limits_and_nonsense_in_it_is_passed_over(
    own: Path, open_page: Callable[..., AppTest]
) -> None:
    fabricate(own, frames=40)
    exact = open_page(mode="share", keep="0.25", eta="nan", epsilon="<script>", invalid="7")
    assert "#### Kept (10)" in headings(exact)


def test_saving_writes_what_the_page_counts(own: Path, open_page: Callable[..., AppTest]) -> None:
    fabricate(own, frames=40)
    app = open_page(mode="share", keep="0.25")
    app.text_input(key="explore-name").set_value("quarter").run()
    app = app.button(key="explore-save").click().run()
    assert not app.exception
    saved = Workspace.open(own).selection("quarter")
    assert saved.record.kept == 10
    assert saved.record.keep == 0.25
    assert "quarter" in texts(app)


def test_sorting_anew_changes_the_clusters_and_keeps_the_limits(own: Path, open_page: Callable[..., AppTest]) -> None:
    fabricate(own, frames=60)
    app = open_page(eta="0.8", invalid="1")
    number = next(one for one in app.number_input if one.label == "Kinds of view")
    number.set_value(7)
    app = next(one for one in app.button if one.label == "Sort anew").click().run()
    assert not app.exception
    assert next(one for one in app.number_input if one.label == "Kinds of view").value == 7
    assert any("k=7" in one.value and "eta=0.8" in one.value for one in app.code)


def order_of(app: AppTest) -> Selectbox:
    return next(one for one in app.selectbox if one.key == "explore-order")


def test_hardness_is_an_order_of_the_galleries_where_it_is_known(
    own: Path, open_page: Callable[..., AppTest]
) -> None:
    _, dataset, _, _ = fabricate(own, frames=40)
    assert order_of(open_page()).options == list(ORDERS)
    scored = fabricate_scores(dataset, fabricate_patches(dataset))
    app = open_page()
    assert order_of(app).options == [*ORDERS, HARDEST, EASIEST]
    assert "160 patches scored by fabricated" in texts(app)
    app = order_of(app).select(HARDEST).run()
    assert not app.exception
    shutil.rmtree(scored.folder)  # while somebody looks at them by hardness
    app = app.run()
    assert not app.exception
    assert order_of(app).value == ORDERS[0]


def test_hardness_that_is_not_known_is_explained(own: Path, open_page: Callable[..., AppTest]) -> None:
    _, dataset, _, _ = fabricate(own, frames=40)
    app = open_page()
    assert "How hard these frames" not in texts(app)  # nobody has asked
    app.session_state["explore-view"].missing_colour = True
    app = app.run()
    assert "no patches of them were scored" in texts(app)
    scored = fabricate_scores(dataset, fabricate_patches(dataset))
    scored.record.model_copy(update={"dataset_fingerprint": "f" * 64}).write(scored.folder)
    app = open_page()
    assert "have changed since their patches were scored" in texts(app)
    assert order_of(app).options == list(ORDERS)


def test_a_picked_frame_says_how_hard_it_is(own: Path, open_page: Callable[..., AppTest]) -> None:
    _, dataset, _, _ = fabricate(own, frames=40)
    fabricate_scores(dataset, fabricate_patches(dataset))
    app = open_page()
    app.session_state["explore-view"].picked = str(dataset.frames["frame_id"].iat[3])
    app = app.run()
    assert not app.exception
    assert any("How hard to draw" in one.value and "harder than" in one.value for one in app.caption)


def test_limits_that_were_not_moved_follow_a_new_start(explored: Explored) -> None:
    start = Limits(eta=0.9, epsilon=1.2, invalid=0.6)
    view = View("x", Limits(eta=0.8, epsilon=1.2, invalid=0.6), start, start)
    view.follow(Limits(eta=0.7, epsilon=1.1, invalid=0.5))
    assert view.limits == Limits(eta=0.8, epsilon=1.1, invalid=0.5)

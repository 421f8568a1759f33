"""The health report: each kind of problem found, none invented."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

from dataeff_core.datasets.health import health_report, lower_limit, upper_limit
from dataeff_core.datasets.importing import import_frames
from dataeff_core.workspace import Workspace
from tests.datasets.making import save


def scene(seed: int, width: int = 200, height: int = 160) -> np.ndarray:
    """A sharp, well-lit scene: blobs with edges over a smooth ground."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:height, :width]
    rgb = np.stack([110 + 30 * np.sin(columns / 40 + c + seed) + 20 * np.cos(rows / 30) for c in range(3)], axis=2)
    for _ in range(25):
        y, x, radius = rng.integers(0, height), rng.integers(0, width), rng.integers(5, 20)
        rgb[(rows - y) ** 2 + (columns - x) ** 2 < radius**2] = rng.integers(60, 220, 3)
    return np.clip(rgb + rng.normal(0, 3, rgb.shape), 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, Path]:
    """Thirty good frames and one of each fault, imported."""
    base = tmp_path_factory.mktemp("health")
    for seed in range(30):
        save(base / "s" / f"good{seed}.png", scene(seed))
    save(base / "s" / "copy.png", scene(3))
    save(base / "s" / "dark.png", (scene(40) * 0.08).astype(np.uint8))
    save(base / "s" / "bright.png", (255 - (255 - scene(41)) * 0.12).astype(np.uint8))
    blurred = Image.fromarray(scene(42)).filter(ImageFilter.GaussianBlur(8))
    save(base / "s" / "blurred.png", np.asarray(blurred))
    save(base / "s" / "black.png", np.zeros((160, 200, 3), np.uint8))
    save(base / "s" / "white.png", np.full((160, 200, 3), 255, np.uint8))
    save(base / "s" / "small.png", scene(43, 120, 90))
    (base / "s" / "broken.png").write_bytes(b"broken")
    workspace = Workspace.open(base / "ws")
    import_frames(workspace, base / "s", name="faulty")
    return workspace, base


def test_each_fault_is_found_and_no_other(faulty: tuple[Workspace, Path]) -> None:
    dataset = faulty[0].dataset("faulty")
    report = health_report(dataset)
    path = dict(zip(dataset.frames["frame_id"], dataset.frames["path"], strict=True))
    found = {problem.name: {path[one] for one in problem.frame_ids} for problem in report.problems}
    assert found == {
        "dark": {"dark.png"},
        "bright": {"bright.png"},
        "blurred": {"blurred.png"},
        "blank": {"black.png", "white.png"},
        "size": {"small.png"},
    }
    assert [tuple(path[one] for one in group.frame_ids) for group in report.copies] == [("copy.png", "good3.png")]
    assert report.exact_duplicates == 1
    assert [one[0] for one in report.unreadable] == ["broken.png"]
    assert (report.frames, report.vanished) == (37, 0)
    assert report.problem("dark").count == 1
    for problem in report.problems:
        assert problem.sentence.endswith(".") and problem.threshold is not None


def test_a_dataset_of_one_frame_has_a_report(tmp_path: Path) -> None:
    workspace = Workspace.open(tmp_path / "ws")
    save(tmp_path / "s" / "a.png", scene(1))
    import_frames(workspace, tmp_path / "s", name="one", workers=1)
    report = health_report(workspace.dataset("one"))
    assert report.frames == 1 and not any(problem.count for problem in report.problems)


def test_limits_move_with_the_dataset_but_not_beyond_their_guards() -> None:
    values = np.random.default_rng(0).normal(100, 10, 1000)
    assert lower_limit(values, always=20, never=90) == pytest.approx(65, abs=4)
    assert lower_limit(values, always=20, never=60) == 60
    assert lower_limit(values * 0.1, always=20, never=60) == 20
    assert upper_limit(values, always=235, never=120) == pytest.approx(135, abs=4)
    assert upper_limit(values, always=130, never=120) == 130
    assert lower_limit(np.full(5, 100.0), always=20, never=60) == 60
    assert lower_limit(np.array([]), always=20, never=60) == 20


def test_the_verbs_speak(faulty: tuple[Workspace, Path], capsys: pytest.CaptureFixture[str]) -> None:
    import json

    from dataeff_core.cli import main

    workspace, base = faulty
    assert main(["health", "faulty", "--workspace", str(workspace.root), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["frames"] == 37 and {one["name"]: one["count"] for one in report["problems"]}["blank"] == 2
    assert main(["import", str(base / "s"), "--name", "faulty", "--workspace", str(workspace.root), "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert (result["frames"], result["added"]) == (37, 0)
    assert result["unreadable"][0]["path"] == "broken.png"
    assert main(["health", "faulty", "--workspace", str(workspace.root)]) == 0
    assert "broken.png: not an image" in capsys.readouterr().out
    assert main(["import", str(base / "none"), "--name", "x", "--workspace", str(workspace.root)]) == 2
    assert "is not there" in capsys.readouterr().err

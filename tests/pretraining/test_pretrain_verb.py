import json
from pathlib import Path

import pytest

from dataeff_core import jobs
from dataeff_core.cli import main
from dataeff_core.workspace import Dataset, Workspace
from tests.fabrication import fabricate, fabricate_selection
from tests.jobs.conftest import wait_for
from tests.pretraining.making import OF_METHOD, SMALL

SETTINGS = [f"--set={key}={value}" for key, value in (SMALL | OF_METHOD["mae"]).items()]


def said(capsys: pytest.CaptureFixture[str], arguments: list[str], workspace: Workspace) -> dict[str, object]:
    status = main([*arguments, "--json", "--workspace", str(workspace.root)])
    printed = capsys.readouterr()
    return {"status": status, "error_line": printed.err.splitlines()[-1:]} | json.loads(printed.out)


def test_the_verb_on_a_dataset_and_on_a_selection(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    workspace, dataset, embedding, _ = fabricate(tmp_path / "w", frames=20)
    saved = fabricate_selection(dataset, embedding, keep=0.5)
    told = said(capsys, ["pretrain", "fabricated", *SETTINGS, "--epochs", "2", "--snapshots", "0.5"], workspace)
    assert (told["status"], told["method"], told["images"], told["epochs"], told["images_seen"]) == (
        0,
        "mae",
        20,
        2,
        40,
    )
    assert Path(str(told["checkpoint"])).is_file()
    assert list(told["snapshots"]) == ["1"]  # type: ignore[call-overload]
    assert told["seconds"] > 0 and told["final_loss"] > 0  # type: ignore[operator]
    half = said(capsys, ["pretrain", saved.id, *SETTINGS, "--images-seen", "40", "--name", "half"], workspace)
    assert (half["images"], half["epochs"], half["images_seen"], half["selection"]) == (10, 4, 40, saved.id)
    items = said(capsys, ["list", "runs"], workspace)["items"]
    assert [(one["id"], one["state"], one["retained"]) for one in items] == [  # type: ignore[attr-defined]
        (told["run"], "done", 1.0),
        (half["run"], "done", 0.5),
    ]
    again = said(capsys, ["pretrain", "--resume", "half"], workspace)
    assert again["run"] == half["run"]
    assert main(["list", "runs", "--workspace", str(workspace.root)]) == 0
    assert "name half" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "pretrain needs a dataset or a selection"),
        (["nothing"], "no dataset is called 'nothing'"),
        (["fabricated", "--resume", "x"], "'x'"),
        (["fabricated", "--set", "depth"], "--set 'depth' is not key=value"),
        (["fabricated", "--set", "depht=1"], "mae has no parameter 'depht'; it has"),
        (["fabricated", "--set", "mask_ratio=2"], "mae's mask_ratio=2 is not in [0.05, 0.95]"),
        (["fabricated", "--preset", "huge"], "tiny"),
        (["fabricated", "--snapshots", "half"], "--snapshots 'half' is not a list of shares"),
        (["fabricated", "--epochs", "3", "--images-seen", "5"], "not allowed with argument"),
        (["fabricated", "--set", "batch_size=64"], "lower batch_size to 20"),
        (["fabricated", "--set", "model=resnet18", "--set", "batch_size=4"], "not a plain vision transformer"),
        (["fabricated", "--set", "image_size=30", "--set", "patch_size=16"], "use 32"),
    ],
)
def test_what_cannot_be_used_is_one_line(
    pictures: tuple[Workspace, Dataset], capsys: pytest.CaptureFixture[str], arguments: list[str], sentence: str
) -> None:
    workspace = Workspace.open(pictures[0].root)
    told = said(capsys, ["pretrain", *arguments], workspace)
    assert told["status"] == 2
    assert sentence in str(told["error"])


def ended(job: jobs.Job) -> str:
    wait_for(lambda: job.status.state in jobs.ENDED, 300)
    return job.status.state


def test_a_job_that_is_cancelled_and_resumed_is_one_run(tmp_path: Path) -> None:
    workspace, _, _, _ = fabricate(tmp_path / "w", frames=20)
    job = jobs.start(workspace, ["pretrain", "latest", *SETTINGS, "--epochs", "400"])
    wait_for(lambda: job.progress is not None and "loss" in job.progress.phase, 300)
    job.cancel(grace=60)
    assert ended(job) == "cancelled"
    (run,) = workspace.runs()
    assert (run.job, run.state) == (job.id, "stopped")
    done = len(run.metrics)
    assert 3 < done < 1000
    fabricate(tmp_path / "other", frames=20, seed=1)  # 'latest' may mean another dataset by now
    job.resume()
    assert ended(job) == "done", job.log_tail()
    (run,) = workspace.runs()
    assert run.state == "done"
    assert run.metrics["step"].tolist() == list(range(1, 1001))
    assert job.status.result is not None and job.status.result["run"] == run.id

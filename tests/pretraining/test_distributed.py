"""torchrun's two processes on a CPU (gloo) against one."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from dataeff_core.cli import main
from dataeff_core.errors import BadInput
from dataeff_core.pretraining import pretraining
from dataeff_core.pretraining.distributed import Processes
from tests.pretraining.making import OF_METHOD, SMALL, fresh, toy

BOTH = """
import sys
from dataeff_core.cli import main
arguments = sys.argv[1:]
for method in ("mae", "simclr"):
    cut = arguments.index("--end-of-" + method)
    status = main(arguments[:cut])
    arguments = arguments[cut + 1:]
    assert status == 0, status
"""


def command(method: str, workspace: Path, *more: str) -> list[str]:
    settings = [f"--set={key}={value}" for key, value in (SMALL | OF_METHOD[method]).items()]
    shared = ["--epochs", "4", "--seed", "2", "--device", "cpu", "--json", "--workspace", str(workspace)]
    return ["pretrain", "fabricated", "--method", method, *settings, *shared, *more]


def test_two_processes_train_as_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    workspace, _ = fresh(tmp_path)
    script = tmp_path / "both.py"
    script.write_text(BOTH)
    arguments = [
        one for method in ("mae", "simclr") for one in (*command(method, workspace.root), f"--end-of-{method}")
    ]
    done = subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", str(script), *arguments],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        env={"OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path.cwd()), "PATH": "/usr/bin:/bin"},
        timeout=600,
    )
    said = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert [one["method"] for one in said] == ["mae", "simclr"]  # one answer each, of the first process
    assert len(workspace.runs()) == 2
    for method, two in zip(("mae", "simclr"), workspace.runs(), strict=True):
        assert main(command(method, workspace.root)) == 0
        one = workspace.run("latest")
        assert one.metrics["step"].tolist() == two.metrics["step"].tolist() == list(range(1, 11))
        for column in ("loss", "gradient_norm"):
            np.testing.assert_allclose(two.metrics[column], one.metrics[column], rtol=2e-5)
        assert set(two.reconstructions) == set(one.reconstructions)
    capsys.readouterr()


def test_a_batch_that_cannot_be_shared_is_refused() -> None:
    import torch

    with pytest.raises(BadInput, match="batch_size 8 cannot be shared by 3 processes; use a multiple of 3"):
        pretraining._network(toy(), 0, Processes(torch.device("cpu"), 0, 3))
    with pytest.raises(BadInput, match="accumulate 5 is more than the 4 images"):
        pretraining._network(toy(accumulate=5), 0, Processes(torch.device("cpu"), 0, 2))

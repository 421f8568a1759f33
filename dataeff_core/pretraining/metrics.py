"""The lines of metrics.jsonl: added while a run goes on, cut back to its checkpoint when it is resumed."""

import json

from dataeff_core.workspace.runs import Run
from dataeff_core.workspace.storage import storage_errors, write_atomically


def add(run: Run, line: dict[str, float]) -> None:
    """Append one line, whose keys are runs.METRICS. Raises StorageFailed."""
    path = run.folder / run.METRICS_FILE
    with storage_errors("writing", path), path.open("ab") as stream:
        stream.write(json.dumps(line, allow_nan=False).encode() + b"\n")


def cut(run: Run, step: int) -> None:
    """Throw away lines of later steps than `step`, and what a process that was killed left of a line."""
    path = run.folder / run.METRICS_FILE
    if not path.is_file():
        return
    whole = path.read_bytes()
    lines = [line for line in whole.split(b"\n")[:-1] if json.loads(line)["step"] <= step]
    kept = b"".join(line + b"\n" for line in lines)
    if kept != whole:
        write_atomically(path, lambda stream: stream.write(kept))


def mean_loss(run: Run, since: int) -> float:
    """The mean loss of the steps after `since`, as nearly as the lines tell: those that begin there or later, else
    the last one."""
    table = run.metrics
    begins = table["step"].shift(fill_value=0)
    chosen = begins >= since
    if not chosen.any():
        chosen.iloc[-1] = True
    weights = (table["step"] - begins)[chosen]
    return float((table["loss"][chosen] * weights).sum() / weights.sum())

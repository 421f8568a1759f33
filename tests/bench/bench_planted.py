"""Truth: near-duplicates, faults and broken files planted among real frames, with default thresholds."""

import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.bench import planted


def run(quick: bool) -> list[dict[str, Any]]:
    frames = planted.default_frames()
    if not frames.is_dir():
        print(f"no planted frames: there are no real ones at {frames}; set DATAEFF_TEST_DATA", file=sys.stderr)
        return []
    with tempfile.TemporaryDirectory() as scratch:
        found = planted.run(frames, out=Path(scratch) / "planted", limit=100 if quick else None)
    ours, phash = found.scores["descriptor, defaults"], found.scores["imagededup PHash, defaults"]
    lost = ours.distinct_lost / max(1, ours.distinct)
    phash_lost = phash.distinct_lost / max(1, phash.distinct)
    return [
        row(
            "near-duplicates removed, F1", f"{ours.f1:.3f}", "at least 0.97", ours.f1 >= 0.97, f"PHash {phash.f1:.3f}"
        ),
        row("distinct frames lost", f"{lost:.1%}", "at most 3 %", lost <= 0.03, f"PHash {phash_lost:.1%}"),
        row("groups without a kept member", f"{ours.groups_lost}", "0", not ours.groups_lost, f"of {ours.groups}"),
        row("invalid score, AUROC", f"{found.auroc:.4f}", "at least 0.97", found.auroc >= 0.97, ""),
        row(
            "broken files named",
            f"{found.broken_named}",
            f"{found.broken}",
            found.broken_named == found.broken,
            "",
        ),
    ]


def row(name: str, value: str, target: str, passed: bool, detail: str) -> dict[str, Any]:
    return {"name": name, "value": value, "target": target, "passed": bool(passed), "detail": detail}

"""`timeline`: the longest stretch of each video or group without a kept frame."""

import argparse
from typing import Any

from dataeff_core.reporting import Reporter
from dataeff_core.workspace import Workspace

SUMMARY = (
    "Say of each video and each group of images how many frames a selection keeps, and the longest stretch "
    "without a kept one; the longest first."
)
SHOWN = 12  # strips in the human text


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("selection", metavar="SELECTION", help="id, unique prefix of it, name, or 'latest'")


def run(args: argparse.Namespace, workspace: Workspace, reporter: Reporter) -> dict[str, Any]:
    from dataeff_core.review.timeline import order_of, sentence, strips
    from dataeff_core.selection.saving import check_same

    saved = workspace.selection(args.selection)
    dataset = workspace.dataset(saved.record.dataset)
    check_same(saved.record, dataset)
    found = strips(dataset.frames, saved.decisions)
    ids = dataset.frames["frame_id"].tolist()
    told = []
    for strip in sorted(found, key=order_of, reverse=True):
        gap = strip.gap
        stretch = gap and {
            "first_frame_id": ids[strip.rows[gap.first]] if gap.frames else None,
            "last_frame_id": ids[strip.rows[gap.last]] if gap.frames else None,
            "frames": gap.frames,
            "seconds": round(gap.length, 6) if gap.timed else None,
            "start_s": gap.start if gap.timed else None,
            "end_s": gap.end if gap.timed else None,
            "sentence": gap.sentence,
        }
        told.append(
            {
                "name": strip.name,
                "group": strip.group,
                "video": strip.video or None,
                "frames": len(strip.rows),
                "kept": int(strip.kept.sum()),
                "longest_stretch": stretch,
            }
        )
    return {"selection": saved.id, "sentence": sentence(found), "strips": told}


def text(result: dict[str, Any]) -> str:
    lines = [
        f"{strip['name']}: {strip['kept']} of {strip['frames']} kept, "
        + (strip["longest_stretch"]["sentence"] if strip["longest_stretch"] else "every frame stays")
        for strip in result["strips"][:SHOWN]
    ]
    more = len(result["strips"]) - SHOWN
    return "\n".join([result["sentence"], *lines, *([f"and {more} more, with shorter ones"] if more > 0 else [])])

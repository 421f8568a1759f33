"""`queue`: what to look at first, and whether enough was looked at."""

import argparse
from typing import Any

from dataeff_core.reporting import Reporter
from dataeff_core.workspace import Workspace

SUMMARY = (
    "List the removed frames that nobody has decided on yet, those first that were nearest to staying, that show a "
    "rare view or a finding; and say how many harmful removals there can still be."
)


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("selection", metavar="SELECTION", help="id, unique prefix of it, name, or 'latest'")
    parser.add_argument("--most", metavar="N", type=int, default=20, help="frames listed, from 0 on")
    parser.add_argument(
        "--limit", metavar="L", type=float, default=0.01, help="share of harmful removals that would do, (0, 1)"
    )
    parser.add_argument("--without-masks", action="store_true", help="do not look for lesions in the masks")


def run(args: argparse.Namespace, workspace: Workspace, reporter: Reporter) -> dict[str, Any]:
    from dataeff_core.review.queue import enough_reviewed, reviewing
    from dataeff_core.review.stability import stays_of
    from dataeff_core.selection.saving import check_same
    from dataeff_core.suppliers import foreground

    saved = workspace.selection(args.selection)
    dataset = workspace.dataset(saved.record.dataset)
    check_same(saved.record, dataset)
    found, harmful = reviewing(dataset, saved, None if args.without_masks else foreground, reporter=reporter)
    reviewed = int(found.reviewed.sum())
    enough = enough_reviewed(removed=len(found.rows), reviewed=reviewed, harmful=harmful, limit=args.limit)
    machine, ahead, stays = saved.machine, ~found.reviewed, stays_of(saved)
    items = [
        {
            "frame_id": str(machine["frame_id"].iat[row]),
            "reason": str(machine["reason"].iat[row]),
            "score": float(score),
            "closeness": float(closeness),
            "rarity": float(rarity),
            "lesion": float(lesion),
            "stays": None if stays is None else float(stays[row]),
        }
        for row, score, closeness, rarity, lesion in zip(
            *(one[ahead][: max(0, args.most)] for one in (found.rows, found.score, found.closeness)),
            *(one[ahead][: max(0, args.most)] for one in (found.rarity, found.lesion)),
            strict=True,
        )
    ]
    return {
        "selection": saved.id,
        "removed": enough.removed,
        "reviewed": enough.reviewed,
        "harmful": enough.harmful,
        "upper": enough.upper,
        "enough": enough.enough,
        "sentence": enough.sentence,
        "items": items,
    }


def text(result: dict[str, Any]) -> str:
    lines = [
        f"{one['frame_id']}  {one['reason']:<9}  {one['score']:.3f} (close {one['closeness']:.2f}, rare "
        f"{one['rarity']:.2f}, finding {one['lesion']:.2f}"
        + ("" if one["stays"] is None else f", stays in {one['stays']:.0%} of repeats")
        + ")"
        for one in result["items"]
    ]
    return "\n".join([result["sentence"], *lines])


def _again(stays: float | None) -> str:
    return "" if stays is None else f", stays in {stays:.0%} of the repeats"

"""`blind`: an audit of removed frames by reviewers who are not told which they are."""

import argparse
import math
from typing import Any

from dataeff_core.errors import BadInput
from dataeff_core.reporting import Reporter
from dataeff_core.workspace import Workspace

SUMMARY = (
    "Draw removed frames at random, mixed with kept ones; let reviewers say of each whether it shows anything that "
    "the one beside it does not, without knowing the decision; and give the rate of wrong removals with its interval."
)
ACTIONS = ("draw", "show", "mark", "result")


def configure(parser: argparse.ArgumentParser) -> None:
    from dataeff_core.review.sampling import VERDICTS

    parser.add_argument("action", choices=ACTIONS, help="what to do")
    parser.add_argument("selection", metavar="SELECTION", help="id, unique prefix of it, name, or 'latest'")
    parser.add_argument("--audit", metavar="ID", default="latest", help="which audit, for show, mark and result")
    parser.add_argument("--size", metavar="N", type=int, default=100, help="with draw: removed frames, from 1 on")
    parser.add_argument("--seed", metavar="S", type=int, default=0, help="with draw: what is drawn; from 0 on")
    parser.add_argument("--reviewer", metavar="NAME", default="", help="with show and mark: who looks")
    parser.add_argument("--frame", metavar="FRAME", default="", help="with mark: the frame's id")
    told = "; ".join(f"{name}: {words}" for name, words in VERDICTS.items())
    parser.add_argument("--verdict", choices=tuple(VERDICTS), default=None, help=f"with mark: the frame {told}")


def run(args: argparse.Namespace, workspace: Workspace, reporter: Reporter) -> dict[str, Any]:
    from dataeff_core.review import outcome, sampling

    saved = workspace.selection(args.selection)
    dataset = workspace.dataset(saved.record.dataset)
    if args.action == "draw":
        if args.seed < 0:
            raise BadInput(f"seed {args.seed} is below 0; give 0 or a larger whole number")
        record = sampling.draw(dataset, saved, size=args.size, seed=args.seed)
        return {"action": "draw", "audit": record.id, "items": len(record.items)}
    record = sampling.audit(dataset, args.audit)
    if args.action == "result":
        return {"action": "result", "audit": record.id, **told(outcome.result(dataset, record))}
    if not args.reviewer.strip():
        raise BadInput("the reviewer's name is empty; give it with --reviewer")
    if args.action == "mark":
        if not args.frame or args.verdict is None:
            raise BadInput("a mark needs --frame and --verdict; give both")
        entry = sampling.mark(dataset, record, args.frame, args.verdict, reviewer=args.reviewer)
        marked = {"frame_id": entry.frame_id, "verdict": entry.verdict, "reviewer": entry.reviewer, "at": entry.at}
        return {"action": "mark", "audit": record.id, **marked}
    shown = sampling.shown_to(dataset, record, args.reviewer)
    return {"action": "show", "audit": record.id, "items": [vars(one) for one in shown]}


def text(result: dict[str, Any]) -> str:
    if result["action"] == "draw":
        return f"audit {result['audit']}: {result['items']} frames to look at"
    if result["action"] == "mark":
        return f"{result['frame_id']}: {result['verdict']} by {result['reviewer']}"
    if result["action"] == "show":
        lines = [
            f"{one['frame_id']} beside {one['beside'] or 'nothing'}: {one['verdict'] or '-'}"
            for one in result["items"]
        ]
        return "\n".join(lines)
    rates = [
        f"{one['reviewer']}: {one['wrong']} of {one['judged']} removals wrong, {one['rate']:.1%} "
        f"(95 % interval {one['low']:.1%} to {one['high']:.1%})"
        for one in result["rates"]
        if one["rate"] is not None
    ]
    kappas = [
        f"{' and '.join(one['reviewers'])}: kappa {one['kappa']:.2f} on {one['frames']} frames"
        for one in result["kappa"]
        if one["kappa"] is not None
    ]
    return "\n".join([*rates, *kappas]) or "no frame has been marked yet"


def told(found: Any) -> dict[str, Any]:
    """An audit's outcome as JSON."""
    return {
        "rates": [
            {
                "reviewer": name,
                "wrong": one.wrong,
                "judged": one.judged,
                "rate": finite(one.rate),
                "low": one.low,
                "high": one.high,
                "unjudged": one.unjudged,
            }
            for name, one in found.rates.items()
        ],
        "unsure": found.unsure,
        "kept_needed": {name: {"needed": some, "judged": all_} for name, (some, all_) in found.kept_needed.items()},
        "kappa": [
            {"reviewers": list(pair), "kappa": finite(kappa), "frames": frames}
            for pair, (kappa, frames) in found.kappa.items()
        ],
    }


def finite(value: float) -> float | None:
    return None if math.isnan(value) else value

"""`theory`: what a perceptron learns from the hardest, easiest or random examples."""

import argparse
from typing import Any

from dataeff_core.errors import BadInput
from dataeff_core.reporting import Reporter
from dataeff_core.workspace import Workspace

SUMMARY = "Show on a teacher-student perceptron at which share the hardest examples alone stop to teach best."


def configure(parser: argparse.ArgumentParser) -> None:
    from dataeff_core.theory.perceptron import ALPHAS, DIMENSION, PROBE_DEGREES, REPEATS

    listed = ",".join(f"{one:g}" for one in ALPHAS)
    parser.add_argument("--alphas", metavar="A,B", default=listed, help="examples a dimension, (0, 1000]")
    parser.add_argument("--shares", metavar="F,G", help="shares kept, (0, 1]; default: 12 from 0.01 to 1")
    parser.add_argument("--dimension", metavar="N", type=int, default=DIMENSION, help="of the inputs, 2..1000")
    parser.add_argument(
        "--probe-degrees", metavar="D", type=float, default=PROBE_DEGREES, help="scorer to teacher, [0, 90) degrees"
    )
    parser.add_argument("--redundancy", metavar="R", type=int, default=1, help="copies of each example, 1..1000")
    parser.add_argument("--repeats", metavar="N", type=int, default=REPEATS, help="teachers drawn, 1..1000")
    parser.add_argument("--seed", metavar="S", type=int, default=0, help="what is drawn by chance; from 0 on")


def run(args: argparse.Namespace, workspace: Workspace, reporter: Reporter) -> dict[str, Any]:
    from dataeff_core.theory.perceptron import SHARES, STRATEGIES, curves
    from dataeff_core.theory.warning import harmful_below

    found = curves(
        _numbers(args.alphas, "--alphas"),
        SHARES if args.shares is None else _numbers(args.shares, "--shares"),
        dimension=args.dimension,
        probe_degrees=args.probe_degrees,
        redundancy=args.redundancy,
        repeats=args.repeats,
        seed=args.seed,
        reporter=reporter,
    )
    rows = [
        {
            "alpha": float(alpha),
            "share": float(share),
            "examples": int(found.examples[a, s]),
            **{name: float(found.error[i, a, s]) for i, name in enumerate(STRATEGIES)},
            "standard_error": {name: float(found.standard_error[i, a, s]) for i, name in enumerate(STRATEGIES)},
        }
        for a, alpha in enumerate(found.alphas)
        for s, share in enumerate(found.shares)
    ]
    harmful = {f"{alpha:g}": harmful_below(float(alpha) / args.redundancy) for alpha in found.alphas}
    return {"curves": rows, "harmful_below": harmful, "repeats": found.repeats, "seed": found.seed}


def text(result: dict[str, Any]) -> str:
    lines = [f"{'alpha':>6} {'share':>7} {'hard':>7} {'easy':>7} {'random':>7}"]
    for row in result["curves"]:
        errors = " ".join(f"{row[name]:7.3f}" for name in ("hard", "easy", "random"))
        lines.append(f"{row['alpha']:6g} {row['share']:7.3f} {errors}")
    told = ", ".join(f"{share:.2g} at alpha {alpha}" for alpha, share in result["harmful_below"].items())
    return "\n".join([*lines, f"the hardest alone teach less than random ones below a share of about {told}"])


def _numbers(typed: str, option: str) -> list[float]:
    """'20,50' -> [20, 50]. Raises BadInput."""
    try:
        found = [float(one) for one in typed.split(",") if one.strip()]
    except ValueError:
        found = []
    if not found:
        raise BadInput(f"{option} {typed!r} is not a list of numbers; write for instance 20,50")
    return found

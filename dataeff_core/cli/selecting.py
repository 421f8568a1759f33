"""`select`: one selection."""

import argparse
import textwrap
from typing import Any, Literal, get_args, get_origin

from dataeff_core.cli.parsing import Formatter
from dataeff_core.errors import BadInput
from dataeff_core.reporting import Reporter
from dataeff_core.workspace import Workspace

SUMMARY = "Choose which frames of a dataset to keep, and say of each other frame why it goes and what stands for it."


def configure(parser: argparse.ArgumentParser) -> None:
    from dataeff_core.selection import SELECTORS

    parser.add_argument("dataset", metavar="DATASET", help="id, unique prefix of it, name, or 'latest'")
    names = [one.NAME for one in SELECTORS]
    parser.add_argument("--method", choices=names, default=names[0], help="how to choose")
    parser.add_argument(
        "--encoder", metavar="NAME", default="latest", help="which embedding to use: its encoder's name or its id"
    )
    parser.add_argument(
        "--set",
        metavar="KEY=VALUE",
        action="append",
        default=[],
        dest="settings",
        help="a parameter of the method, listed below; may be given again",
    )
    parser.add_argument("--keep", metavar="FRACTION", type=float, help="keep exactly this share of them, (0, 1]")
    parser.add_argument("--seed", metavar="S", type=int, default=0, help="what is drawn by chance; from 0 on")
    parser.add_argument("--name", metavar="NAME", default="", help="what to call the selection")
    parser.formatter_class = Listing
    parser.epilog = "\n".join(line for one in SELECTORS for line in described(one))


def run(args: argparse.Namespace, workspace: Workspace, reporter: Reporter) -> dict[str, Any]:
    from dataeff_core.selection import make
    from dataeff_core.selection.saving import select

    selector = make(args.method, parsed(args.settings))
    saved = select(
        workspace,
        workspace.dataset(args.dataset),
        selector,
        encoder=args.encoder,
        keep=args.keep,
        seed=args.seed,
        name=args.name,
        reporter=reporter,
    )
    record = saved.record
    return {
        "selection": saved.id,
        "method": record.method,
        "params": record.params,
        "frames": record.frames,
        "kept": record.kept,
        "dropped": record.dropped,
        "retained": record.retained,
        "notes": record.notes,
        "seconds": record.seconds,
    }


def text(result: dict[str, Any]) -> str:
    dropped = ", ".join(f"{count} {reason}" for reason, count in result["dropped"].items()) or "none"
    lines = [
        f"selection {result['selection']}: {result['kept']} of {result['frames']} frames kept "
        f"({result['retained']:.1%}); dropped: {dropped} ({result['seconds']:.1f} s)",
        *result["notes"].values(),
    ]
    return "\n".join(map(str, lines))


def parsed(settings: list[str]) -> dict[str, str]:
    """['k=30', ...] -> {'k': '30', ...}. Raises BadInput for one without '=' or given twice."""
    found: dict[str, str] = {}
    for setting in settings:
        key, equals, value = setting.partition("=")
        if not equals or not key.strip():
            raise BadInput(f"--set {setting!r} is not key=value; write for instance --set eta=0.9")
        if key.strip() in found:
            raise BadInput(f"--set {key.strip()} is given twice; give it once")
        found[key.strip()] = value.strip()
    return found


def described(method: Any) -> list[str]:
    """The parameters of a declared method (Selector, Task) as lines of help, from its own declaration."""
    from dataeff_core.selection import limits_of

    lines = [f"parameters of {method.NAME} ({method.TITLE.lower()}), each for --set:"]
    for key, field in method.model_fields.items():
        extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
        default = "" if field.default is None else f"default {field.default}"
        choices = " | ".join(map(str, get_args(field.annotation))) if get_origin(field.annotation) is Literal else ""
        facts = [default, choices, limits_of(method, key), str(extra.get("unit", ""))]
        lines.append(f"  {key}  {field.description} ({'; '.join(fact for fact in facts if fact)})")
    return [*lines, ""]


class Listing(Formatter):
    """Keeps the lines of the epilog apart, each wrapped."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        hanging = indent + 6 * " "
        return "\n".join(
            textwrap.fill(
                line, width, initial_indent=indent, subsequent_indent=hanging if line.startswith(" ") else indent
            )
            for line in text.splitlines()
        )

"""The command line's grammar: the table of verbs, and parsers that load a verb's module only when it is asked for."""

import argparse
import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from dataeff_core import __version__
from dataeff_core.errors import BadInput

PROGRAM = "dataeff"


@dataclass(frozen=True)
class Verb:
    """One verb: the module below dataeff_core.cli that does it, and what `--help` says of it."""

    module: str
    summary: str
    long: bool = False  # takes --background
    creates_workspace: bool = False  # makes the workspace folder when it is not there
    light: bool = False  # as a job it takes seconds and little memory, so it need not wait for a free processor
    works_with: str = ""  # the option without which it only starts other jobs and waits for them

    def takes_slot(self, arguments: Sequence[str]) -> bool:
        """Whether a job with these arguments does work of its own, so that it must wait for a free processor."""
        if self.light:
            return False
        return not self.works_with or any(one.partition("=")[0] == self.works_with for one in arguments)

    def load(self) -> Any:
        """The verb's module."""
        return importlib.import_module(f"dataeff_core.cli.{self.module}")


VERBS: dict[str, Verb] = {
    "demo": Verb("demo", "make a demo dataset and run every step on it", long=True, creates_workspace=True),
    "import": Verb("importing", "register a folder of images and videos", long=True, creates_workspace=True),
    "health": Verb("health", "what cannot be read, is copied or looks unusable in a dataset"),
    "embed": Verb("embedding", "compute a vector for every frame", long=True),
    "map": Verb("mapping", "lay the frames out in two dimensions", long=True),
    "select": Verb("selecting", "choose which frames to keep", long=True),
    "calibrate": Verb("calibrating", "find the similarity limit that fits a dataset", long=True),
    "explain": Verb("explaining", "say why one frame was kept or dropped"),
    "compare": Verb("comparing", "set two selections side by side"),
    "pin": Verb("pinning", "keep or drop a frame whatever the method says"),
    "unpin": Verb("unpinning", "let the method decide on a frame again"),
    "coverage": Verb("covering", "what stays of each patient, video, label and lesion"),
    "timeline": Verb("timelining", "the longest stretch of each video or group without a kept frame"),
    "queue": Verb("queueing", "which removed frames to look at first"),
    "blind": Verb("blinding", "a blind audit of what was removed"),
    "stability": Verb("repeating", "make a selection again otherwise and see how much of it stays", long=True),
    "audit": Verb("auditing", "print who overruled what, when and why"),
    "report": Verb("documenting", "write a selection's report, for people who must trust it", long=True, light=True),
    "export": Verb("exporting", "write a selection's subset and its manifest", long=True),
    "verify": Verb("verifying", "check an export against its hashes and its recipe", long=True),
    "pretrain": Verb("pretraining", "pre-train a network on a dataset or a selection", long=True),
    "evaluate": Verb("evaluating", "score an encoder on a downstream dataset", long=True),
    "benchmark": Verb(
        "benchmarking", "compare subsets with everything by what is trained on them", long=True, works_with="--cell"
    ),
    "patches": Verb("patching", "propose the parts of frames that training images are made of", long=True),
    "hardness": Verb("hardening", "score patches by how hard they are for a masked autoencoder", long=True),
    "mosaics": Verb("mosaicking", "put hard patches together to training images", long=True),
    "theory": Verb("theorising", "when choosing only the hardest examples does harm", long=True),
    "normdel": Verb("normdel", "weigh a downstream score with the share of data kept for it"),
    "jobs": Verb("jobs_", "list, show, cancel and resume background jobs"),
    "list": Verb("listing", "list what there is"),
}


class Parser(argparse.ArgumentParser):
    """A parser whose complaint is one sentence instead of a page of usage."""

    def error(self, message: str) -> NoReturn:
        raise BadInput(f"{message}; `{self.prog} --help` lists what it takes")


class VerbParser(Parser):
    """The parser of one verb; the verb's module is imported when the first argument for it is parsed."""

    def __init__(self, *, verb: Verb, **options: Any) -> None:
        super().__init__(formatter_class=Formatter, allow_abbrev=False, **options)
        self.verb = verb
        self.configured = False

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        if not self.configured:
            self.configured = True
            module = self.verb.load()
            self.description = module.SUMMARY
            module.configure(self)
            add_shared_options(self, top=False, background=self.verb.long)
        return super().parse_known_args(args, namespace)


class Formatter(argparse.ArgumentDefaultsHelpFormatter):
    """Appends defaults, but not the ones that say nothing."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        if action.default is None or isinstance(action.default, bool):
            return action.help
        return super()._get_help_string(action)


def build_parser() -> Parser:
    """The parser of the whole command line."""
    parser = Parser(
        prog=PROGRAM,
        description="Which medical images are worth pre-training on, and why.",
        epilog=f"`{PROGRAM} VERB --help` lists its options. Exit status: 0 done, 2 something you can mend, 1 a bug.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"{PROGRAM} {__version__}")
    add_shared_options(parser, top=True, background=False)
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True, parser_class=VerbParser)
    for name, verb in VERBS.items():
        verbs.add_parser(name, help=verb.summary, verb=verb)
    return parser


def add_shared_options(parser: argparse.ArgumentParser, *, top: bool, background: bool) -> None:
    """The options of every verb; they may stand before the verb as well as after it."""

    def default(value: Any) -> Any:
        return value if top else argparse.SUPPRESS  # or a verb's default would undo what stands before it

    group = parser.add_argument_group("shared options")
    group.add_argument(
        "--workspace",
        metavar="DIR",
        default=default(None),
        help="folder that holds everything made; else $DATAEFF_WORKSPACE, else ./workspace",
    )
    group.add_argument(
        "--json", action="store_true", default=default(False), help="print one JSON object on standard output"
    )
    if background:
        group.add_argument(
            "--background", action="store_true", default=default(False), help="run as a job and print its id"
        )
    elif top:
        parser.set_defaults(background=False)


def job_arguments(arguments: Sequence[str], verb: str) -> list[str]:
    """The same command without the options that belong to the shell it was typed in, the verb first."""
    kept: list[str] = []
    rest = iter(arguments)
    for argument in rest:
        if argument == "--":
            kept += [argument, *rest]
        elif argument == "--workspace":
            next(rest)
        elif argument not in ("--json", "--background") and not argument.startswith("--workspace="):
            kept.append(argument)
    kept.remove(verb)
    return [verb, *kept]

"""The same verbs as the dashboard, for a shell: `python -m dataeff_core VERB ... [--workspace DIR] [--json]`.

Only the standard library is imported here, and of the verbs' modules only the one asked for. Each module has
`SUMMARY`, `configure(parser)`, `run(args, workspace, reporter) -> dict` and `text(result) -> str`; and, where a
finished run can still mean that something is wrong, `failure(result) -> str | None`.
"""

import argparse
import contextlib
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dataeff_core.cli.parsing import VERBS, build_parser, job_arguments
from dataeff_core.cli.printing import as_json, one_line, plain, printable
from dataeff_core.errors import Cancelled, DataEffError
from dataeff_core.reporting import Reporter, TerminalReporter

JOB_VARIABLE = "DATAEFF_JOB"  # the job's folder, set by dataeff_core.jobs for the process it starts
DONE, BUG, USER_ERROR, INTERRUPTED = 0, 1, 2, 130

__all__ = ["VERBS", "execute", "main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb and return the exit status: 0 done, 2 the user can mend it, 130 stopped. Bugs raise."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    job = os.environ.pop(JOB_VARIABLE, None)
    if job is not None:
        from dataeff_core.jobs.working import serve

        verb = VERBS.get(arguments[0])
        takes_slot = verb is None or verb.takes_slot(arguments)
        return serve(Path(job), lambda reporter: _work(arguments, reporter), takes_slot=takes_slot)
    json_wanted = "--json" in arguments
    try:
        args, result = execute(arguments, TerminalReporter())
        module = VERBS[args.verb].load()
        wrong = None if args.background else failure(module, result)
        _say(as_json(result) if json_wanted else printable(_human(module, args, result)))
    except (Cancelled, KeyboardInterrupt) as error:
        return _give_up(str(error) or "stopped; what was finished is kept, run it again to go on", json_wanted)
    except DataEffError as error:
        _give_up(str(error), json_wanted)
        return USER_ERROR
    except Exception as error:
        if json_wanted:
            _say(json.dumps({"error": f"{type(error).__name__}: {error}"}))
        raise
    if wrong is not None:
        _complain(wrong)
        return USER_ERROR
    return DONE


def execute(arguments: list[str], reporter: Reporter) -> tuple[argparse.Namespace, dict[str, Any]]:
    """Parse and run one verb; the parsed arguments and the JSON-able result. Raises DataEffError.

    Whatever libraries print to standard output meanwhile goes to standard error.
    """
    args = build_parser().parse_args(arguments)
    verb = VERBS[args.verb]
    with contextlib.redirect_stdout(sys.stderr):
        from dataeff_core.workspace.root import Workspace

        workspace = Workspace.open(args.workspace, create=verb.creates_workspace)
        if args.background:
            from dataeff_core import jobs

            return args, {"job": jobs.start(workspace, job_arguments(arguments, args.verb)).id}
        return args, verb.load().run(args, workspace, reporter)


def _work(arguments: list[str], reporter: Reporter) -> tuple[dict[str, Any], str | None]:
    args, result = execute(arguments, reporter)
    return plain(result), failure(VERBS[args.verb].load(), result)


def failure(module: Any, result: dict[str, Any]) -> str | None:
    """The sentence that says what is wrong with a finished run, or None."""
    return module.failure(result) if hasattr(module, "failure") else None


def _human(module: Any, args: argparse.Namespace, result: dict[str, Any]) -> str:
    if args.background:
        return f"started job {result['job']}; `dataeff jobs show {result['job']}` says how it goes"
    return str(module.text(result))


def _give_up(message: str, json_wanted: bool) -> int:
    if json_wanted:
        _say(json.dumps({"error": message}))
    _complain(message)
    return INTERRUPTED


def _complain(message: str) -> None:
    with contextlib.suppress(BrokenPipeError):
        sys.stderr.write(f"dataeff: {one_line(message)}\n")
        sys.stderr.flush()


def _say(text: str) -> None:
    """Print to standard output; a reader that has gone away (`| head`) is no error."""
    if os.environ.get("RANK", "0") != "0":  # of the processes that torchrun starts, the first one speaks
        return
    encoding = sys.stdout.encoding or "utf-8"
    try:
        print(text.encode(encoding, "backslashreplace").decode(encoding), flush=True)
    except BrokenPipeError:
        # Python flushes standard output once more at exit: give it somewhere harmless to go
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

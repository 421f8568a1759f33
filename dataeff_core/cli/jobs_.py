"""`jobs`: what runs in the background, and what became of it."""

import argparse
from typing import Any

from dataeff_core.errors import BadInput
from dataeff_core.reporting import Reporter
from dataeff_core.workspace import Workspace

SUMMARY = "List, show, cancel and resume background jobs, newest first."


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", nargs="?", choices=("list", "show", "log", "cancel", "resume"), default="list")
    parser.add_argument("id", nargs="?", help="a job's id, a unique prefix of it, or 'latest'")


def run(args: argparse.Namespace, workspace: Workspace, reporter: Reporter) -> dict[str, Any]:
    from dataeff_core import jobs

    if args.action == "list":
        if args.id is not None:
            raise BadInput(f"`jobs list` takes no id, but {args.id!r} was given; `jobs show {args.id}` shows one job")
        return {"jobs": [job.summary() for job in jobs.jobs(workspace)]}
    if args.id is None:
        raise BadInput(f"`jobs {args.action}` needs a job; give its id, a unique prefix of it, or 'latest'")
    job = jobs.job(workspace, args.id)
    if args.action == "cancel":
        job.cancel()
    elif args.action == "resume":
        job.resume()
    about = job.summary() | {"result": job.status.result}
    if args.action in ("show", "log"):
        about["log"] = job.log_tail(20 if args.action == "show" else 100_000)
    return {"action": args.action, "jobs": [about]}


def text(result: dict[str, Any]) -> str:
    jobs = result["jobs"]
    if not jobs:
        return "no jobs yet; add --background to a verb to start one"
    if result.get("action") == "log":
        return str(jobs[0]["log"])
    lines = [_line(job) for job in jobs]
    for job in jobs if "action" in result else ():
        lines += [f"  {job['error']}"] if job["error"] else []
        lines += [f"  | {line}" for line in job.get("log", "").splitlines()]
    return "\n".join(lines)


def _line(job: dict[str, Any]) -> str:
    share = "" if job["progress"] is None else f"{job['progress']:.0%}"
    seconds = "" if job["seconds"] is None else f"{job['seconds']:.0f} s"
    phase = job["phase"] or "" if job["status"] == "running" else ""
    return f"{job['id']:<20} {job['status']:<10} {share:>5} {seconds:>8}  {' '.join(job['argv'])}  {phase}".rstrip()

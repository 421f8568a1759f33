"""Starting jobs and finding them again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dataeff_core.errors import BadInput, StorageFailed
from dataeff_core.jobs.job import JOB, LOCK, LOG, Job
from dataeff_core.jobs.processes import launch
from dataeff_core.jobs.queue import take_ticket
from dataeff_core.workspace.storage import exclusive, read_json, storage_errors, write_json

if TYPE_CHECKING:
    from dataeff_core.workspace.root import Workspace


def start(workspace: Workspace, argv: Sequence[str], *, cwd: Path | None = None, after: Job | None = None) -> Job:
    """Start `python -m dataeff_core ARGV` as a job of `workspace` and return at once; `argv` begins with the verb.

    Relative paths in `argv` count from `cwd`, by default the present folder. With `after` it keeps its place in the
    queue and begins once that job is done; it fails, saying so, when that one ends otherwise. Raises BadInput,
    StorageFailed.
    """
    from dataeff_core.workspace.records import fresh_id, now

    if not argv or argv[0].startswith("-"):
        raise BadInput(f"the command {list(argv)!r} names no verb; begin it with one")
    job = Job(workspace.jobs_folder / fresh_id(argv[0]))
    with storage_errors("making the job", job.folder):
        job.folder.mkdir(parents=True)
    asked = {"schema_version": 1, "verb": argv[0], "argv": list(argv), "created": now()}
    asked["after"] = after.id if after is not None else None
    with exclusive(job.folder / LOCK):
        write_json(job.folder / JOB, {**asked, "cwd": str((cwd or Path.cwd()).absolute()), "attempt": 1})
        run_process(job)
    return job


def run_process(job: Job) -> None:
    """Queue `job` and start its process; the caller holds the job's lock."""
    folder = job.folder
    verb, *rest = job.argv
    cwd = Path(read_json(folder / JOB)["cwd"])
    if not cwd.is_dir():
        raise StorageFailed(f"the folder {cwd} that job {job.id} was started in is gone; start it anew")
    take_ticket(folder)
    workspace = folder.parent.parent
    command = ["-m", "dataeff_core", verb, "--workspace", str(workspace), "--json", *rest]
    launch(command, folder=folder, log=folder / LOG, environment={"DATAEFF_JOB": str(folder)}, cwd=cwd)


def jobs(workspace: Workspace) -> list[Job]:
    """All jobs of `workspace`, newest first."""
    folders = workspace.jobs_folder.glob("[!.]*") if workspace.jobs_folder.is_dir() else ()
    found = [(str(read_json(folder / JOB)["created"]), folder) for folder in folders if (folder / JOB).is_file()]
    return [Job(folder) for _, folder in sorted(found, reverse=True)]


def job(workspace: Workspace, wanted: str) -> Job:
    """A job by its id, a unique prefix of it, or `latest`. Raises NotFound, BadInput."""
    from dataeff_core.workspace.records import find

    return find(jobs(workspace)[::-1], wanted, kind="job")  # type: ignore[type-var]

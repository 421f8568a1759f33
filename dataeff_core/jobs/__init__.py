"""Background jobs: the CLI in a process of its own, and a folder that tells how it goes.

The only module that knows processes; it knows no machine learning. Nothing is held in memory by whoever starts a
job: state is derived from the folder and from the process, so it survives the browser and the server.
"""

from dataeff_core.jobs.job import ENDED, STATES, Job, JobStatus, Progress
from dataeff_core.jobs.starting import job, jobs, start

__all__ = ["ENDED", "STATES", "Job", "JobStatus", "Progress", "job", "jobs", "start"]

"""The Pre-train page: start a run, watch it, compare runs, and go on from a finished one."""

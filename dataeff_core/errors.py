"""Errors a user can act on.

Each message is one sentence that says what is wrong, the value, and the way out. Whatever is not one of
these is a bug and keeps its traceback.
"""


class DataEffError(Exception):
    """Base of every error that the user can mend; the CLI prints its one line and exits with 2."""


class BadInput(DataEffError, ValueError):
    """A value, file or option that cannot be used as it is."""


class NotFound(DataEffError, LookupError):
    """A dataset, embedding, selection, job or frame that is not there."""


class Conflict(DataEffError):
    """Something is in the way: a non-empty target, a name taken, another process at work."""


class Stale(DataEffError):
    """Two artifacts do not belong together: their fingerprints differ."""


class StorageFailed(DataEffError, OSError):
    """The disk is full, or a folder cannot be read or written."""


class MissingWeights(DataEffError):
    """Model weights are neither on this machine nor to be had."""


class Cancelled(DataEffError):
    """The user stopped the work; what was finished before stays."""


class WorkerDied(DataEffError):
    """A helper process was ended from outside, most often for want of memory."""


class NotAllowed(DataEffError, PermissionError):
    """The visitor's role does not allow it."""

"""The one progress-and-cancel object that every long computation takes.

The base class is silent, for tests and for calls from Python. The CLI shows a bar
(`TerminalReporter`), a job writes files (`dataeff_core.jobs`).
"""

import sys
import time
from collections.abc import Iterable, Iterator, Sized
from typing import TextIO, TypeVar

Item = TypeVar("Item")


class Reporter:
    """Takes progress and says whether to go on. Silent; subclasses override `show` and `stop_asked`."""

    def __init__(self) -> None:
        self.job = ""  # the id of the job whose work is reported; '' outside of one
        self.phase_name = ""
        self.note = ""  # what else is to be said of the phase now, such as a loss; may change at every step
        self.done = self.done_before = 0
        self.total: int | None = None
        self.phase_started = time.monotonic()
        self.seconds_left: float | None = None  # of the phase, where the work knows better than its mean pace

    def phase(self, name: str, total: int | None = None, *, done: int = 0) -> None:
        """Begin a named phase of `total` steps (None: unknown), of which an earlier attempt has `done` some.

        Raises Cancelled if a stop was asked.
        """
        self.phase_name, self.note, self.total = name, "", total
        self.done = self.done_before = done
        self.phase_started = time.monotonic()
        self.seconds_left = None
        self.show()
        self.check()

    def expect(self, seconds_left: float | None) -> None:
        """Say how long this phase still takes; None: its mean pace tells. Raises Cancelled if a stop was asked."""
        self.seconds_left = seconds_left
        self.show()
        self.check()

    def advance(self, steps: int = 1) -> None:
        """Count `steps` more as done. Raises Cancelled if a stop was asked."""
        self.done += steps
        self.show()
        self.check()

    def over(self, items: Iterable[Item], name: str, total: int | None = None) -> Iterator[Item]:
        """Yield from `items`, one step each, as the phase `name`."""
        if total is None and isinstance(items, Sized):
            total = len(items)
        self.phase(name, total)
        for item in items:
            yield item
            self.advance()

    def check(self) -> None:
        """Raise Cancelled if a stop was asked."""
        if self.stop_asked():
            from dataeff_core.errors import Cancelled

            raise Cancelled(f"stopped during '{self.phase_name}'; what was finished is kept, run it again to go on")

    def eta_seconds(self) -> float | None:
        """Seconds left in this phase: as the work said, else at its mean pace so far; None while unknown."""
        if self.seconds_left is not None:
            return self.seconds_left
        done_now = self.done - self.done_before
        if not self.total or not done_now:
            return None
        return (time.monotonic() - self.phase_started) / done_now * max(0, self.total - self.done)

    @property
    def said(self) -> str:
        """The phase's name and note, for people."""
        return f"{self.phase_name} ({self.note})" if self.note else self.phase_name

    def log(self, message: str) -> None:
        """Note one line for whoever reads the log."""

    def show(self) -> None:
        """Show the state; called often, so subclasses limit their own rate."""

    def stop_asked(self) -> bool:
        """Whether the user asked to stop."""
        return False


class TerminalReporter(Reporter):
    """A one-line bar on a terminal, a line a phase elsewhere. Writes to standard error only."""

    def __init__(self, stream: TextIO | None = None) -> None:
        super().__init__()
        self.stream = stream or sys.stderr
        self.live = self.stream.isatty()
        self.shown_at = 0.0
        self.shown_phase = ""

    def log(self, message: str) -> None:
        self.stream.write(("\r\033[K" if self.live else "") + message + "\n")
        self.stream.flush()

    def show(self) -> None:
        now = time.monotonic()
        finished = self.total is not None and self.done >= self.total
        if not self.live:
            if self.phase_name != self.shown_phase:
                self.shown_phase = self.phase_name
                self.stream.write(f"{self.phase_name} ...\n")
                self.stream.flush()
            return
        if now - self.shown_at < 0.1 and not finished:
            return
        self.shown_at = now
        self.stream.write("\r\033[K" + self.line() + ("\n" if finished else ""))
        self.stream.flush()

    def line(self) -> str:
        """The bar as text: name, share done, counts, time left."""
        if self.total is None:
            return f"{self.said}: {self.done}"
        share = self.done / self.total if self.total else 1.0
        eta = self.eta_seconds()
        left = f", {eta:.0f} s left" if eta is not None and share < 1 else ""
        return f"{self.said}: {share:4.0%} ({self.done}/{self.total}{left})"

"""Ctrl-C and SIGTERM between two steps instead of in the middle of one, so that the state can be saved."""

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextlib.contextmanager
def noted() -> Iterator[Callable[[], bool]]:
    """Within the block the first signal of a kind is only noted; the function given says whether one came.

    A second one of the same kind interrupts at once. Outside the main thread nothing is changed: signals do not
    come there.
    """
    came: set[int] = set()

    def note(number: int, frame: FrameType | None) -> None:
        if number in came:
            raise KeyboardInterrupt
        came.add(number)

    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    before = {number: signal.signal(number, note) for number in SIGNALS}
    try:
        yield lambda: bool(came)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

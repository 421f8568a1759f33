"""Crops between the processes that cut them, a frame at a time, and the network that wants whole batches."""

import numpy as np

Arrays = dict[str, np.ndarray]


class Waiting:
    """Crops that wait for a whole batch; measurements go back to their frame once it has all of them."""

    def __init__(self, batch: int) -> None:
        self.batch = batch
        self.count = 0  # crops that wait
        self.crops: list[np.ndarray] = []
        self.open: list[tuple[str, int]] = []  # frames whose measurements are not complete, and how many they have
        self.done: list[Arrays] = []
        self.gathered = 0

    def add(self, key: str, crops: np.ndarray) -> None:
        if len(crops):
            self.crops.append(crops)
            self.open.append((key, len(crops)))
            self.count += len(crops)

    def next(self) -> np.ndarray:
        """(at most `batch`, s, s, 3): the crops that have waited longest."""
        joined = self.crops[0] if len(self.crops) == 1 else np.concatenate(self.crops)
        taken, rest = joined[: self.batch], joined[self.batch :]
        self.crops = [rest] if len(rest) else []
        self.count -= len(taken)
        return taken

    def back(self, arrays: Arrays) -> list[tuple[str, Arrays]]:
        """Take in a batch's measurements; the frames that are complete now, each with its rows."""
        self.done.append(arrays)
        self.gathered += len(arrays["square"])
        if not self.open or self.open[0][1] > self.gathered:
            return []
        joined = {name: np.concatenate([one[name] for one in self.done]) for name in arrays}
        complete, at = [], 0
        while self.open and at + self.open[0][1] <= self.gathered:
            key, size = self.open.pop(0)
            complete.append((key, {name: values[at : at + size] for name, values in joined.items()}))
            at += size
        self.done = [{name: values[at:] for name, values in joined.items()}]
        self.gathered -= at
        return complete

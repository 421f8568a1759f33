"""The learning rate of each step, in closed form: nothing to save, nothing to restore."""

import math


def warmup_steps(steps: int, warmup: float) -> int:
    """How many of `steps` are the warm-up; never all of them."""
    return min(round(warmup * steps), steps - 1)


def learning_rate(step: int, *, steps: int, peak: float, warmup: float) -> float:
    """The rate of step `step` (from 0) of `steps`: a line up to `peak`, then half a cosine down to 0.

    With w warm-up steps: peak (step + 1) / (w + 1) below w, so that no step is wasted at 0 and step w has the peak;
    then peak (1 + cos(pi (step - w) / (steps - w))) / 2 (Loshchilov & Hutter 2016, one period).
    """
    rising = warmup_steps(steps, warmup)
    if step < rising:
        return peak * (step + 1) / (rising + 1)
    return peak * (1 + math.cos(math.pi * (step - rising) / (steps - rising))) / 2

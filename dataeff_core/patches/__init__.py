"""Patch proposals: which parts of a frame may become parts of a training image. Importing it needs no torch."""

from collections.abc import Mapping
from types import MappingProxyType

from dataeff_core.declarations import made
from dataeff_core.errors import BadInput
from dataeff_core.patches.base import Proposer
from dataeff_core.patches.grid import Grid
from dataeff_core.patches.sam import Sam
from dataeff_core.patches.superpixels import Superpixels

__all__ = ["PROPOSERS", "make", "proposer_named"]

PROPOSERS: tuple[type[Proposer], ...] = (Superpixels, Grid, Sam)


def proposer_named(name: str) -> type[Proposer]:
    """The proposer of that name. Raises BadInput, listing the known ones."""
    for proposer in PROPOSERS:
        if name == proposer.NAME:
            return proposer
    raise BadInput(f"there is no proposer {name!r}; choose {', '.join(one.NAME for one in PROPOSERS)}")


def make(name: str, params: Mapping[str, object] = MappingProxyType({})) -> Proposer:
    """The proposer `name` with parameters as typed (`--set key=value`: text) or as numbers. Raises BadInput."""
    return made(proposer_named(name), params, name=name)

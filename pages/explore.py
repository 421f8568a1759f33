"""Explore: move the limits, watch the map, see why."""

from dataeff_core.ui import explore, state

explore.draw(state.workspace(), state.dataset())

"""Explore: move the limits, watch the map, see why."""

from dataeff_core.ui import state
from dataeff_core.ui.explore import page

page.draw(state.workspace(), state.dataset())

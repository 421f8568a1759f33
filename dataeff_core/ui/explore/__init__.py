"""The Explore page: the map with its limits, the galleries, why a frame went, saving."""

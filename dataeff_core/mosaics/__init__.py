"""Training images put together from hard patches of different frames."""

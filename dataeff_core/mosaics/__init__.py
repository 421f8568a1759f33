"""Training images put together from hard patches."""

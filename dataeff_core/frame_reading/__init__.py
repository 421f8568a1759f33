"""Frames read again in bulk, from thumbnails or originals, by worker processes; whoever needs pixels uses it."""

from tests.pretraining.making import known_toy, one_thread, pictures

__all__ = ["known_toy", "one_thread", "pictures"]

from tests.hardness.conftest import one_thread, planted, scored

__all__ = ["one_thread", "planted", "scored"]

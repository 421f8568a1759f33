"""What clinicians need before they trust a removal: pins with a trail, nothing lost, a queue, a blind audit.

The trail itself and what stands of it lie in dataeff_core.workspace (`trail`, `pins`), since every reader of a
selection obeys them; here is what is decided, in which order, and what follows from it.
"""

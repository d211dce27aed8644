"""Which models are grounded in the pairs: the one place where the truth of target images is known without a label."""

PARTS = tuple(f"sfcmt.grounding.{name}" for name in ("association", "shuffles", "gate", "choice"))
"""Of whatever is chosen behind the gate of the pairs."""

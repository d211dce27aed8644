"""Terms of the transfer's loss, one a file: a loss of `sfcmt.losses` and what it is computed from."""

from sfcmt.stages.terms.base import Step, Survey, Term

__all__ = ["Step", "Survey", "Term"]

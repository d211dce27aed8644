"""Terms of the transfer's loss, one a file: a loss of `sfcmt.losses` and what it is computed from."""

"""Which models are grounded in the pairs: the one place where the truth of target images is known without a label."""

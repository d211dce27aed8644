"""From Python, in a notebook: a source model and images that the caller holds in, a trained model out."""

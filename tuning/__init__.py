"""Running and tracking: experiments and comparisons, logged to MLflow."""

"""Where work runs: groups of Ray Train workers, job submission, cluster files, and a doctor."""

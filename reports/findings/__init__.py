"""What finished studies say, by `reports.statistics`: values without layout."""

"""What finished studies say, by `sfcmt.reports.statistics`: values without layout."""

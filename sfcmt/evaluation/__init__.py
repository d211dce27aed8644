"""Judging, after the choosing is done: the only room that opens sealed target labels."""

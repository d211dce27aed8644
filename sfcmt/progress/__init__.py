"""What a command says while it works: bars on a terminal, lines elsewhere, and all of it in a log file."""

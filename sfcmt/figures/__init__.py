"""Pictures, as matplotlib figures of plain arrays."""

"""Tables: one model, written as LaTeX, Markdown and HTML."""

"""Evidence: statistics, tables, figures, and the promotion of models."""

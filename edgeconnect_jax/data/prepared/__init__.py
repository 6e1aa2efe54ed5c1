"""Sets whose records are computed once and stored."""

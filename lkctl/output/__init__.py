"""The one place that speaks: terminal, tables, JSON. Everything else returns values."""

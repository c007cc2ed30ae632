"""The common style of figures, and numbers as they are written."""

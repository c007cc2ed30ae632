"""The common style of figures, and the formatting of numbers."""

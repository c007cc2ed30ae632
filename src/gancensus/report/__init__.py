"""From tables to figures, sentences and the page; the figures that every study has."""

"""From pairs to collision probability, support, birthday curve, diversity and verdict."""

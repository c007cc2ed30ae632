"""What made a generated population: a generator, and which of its trainings."""

from __future__ import annotations

from typing import NamedTuple


class Replica(NamedTuple):
    """A generator by its name, and the number of the training; 0 for user-provided samples."""

    generator: str
    replica: int

    @property
    def population(self) -> str:
        """The name of the population."""
        return f"{self.generator}-{self.replica}"

    @classmethod
    def of(cls, population: str) -> Replica:
        """Return what made a population of which a table has the name only."""
        generator, _, replica = population.rpartition("-")
        return cls(generator, int(replica))

"""The results of a study by name: searches, and figures."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from gancensus.config.configuration import Study


class Search(NamedTuple):
    """What is searched for duplicates: a population within itself, or across with another one."""

    population: str
    other: str | None = None

    @property
    def name(self) -> str:
        """What its tables are called."""
        return self.population if self.other is None else f"{self.population}~{self.other}"

    @property
    def populations(self) -> tuple[str, ...]:
        """The one population, or both."""
        return (self.population,) if self.other is None else (self.population, self.other)


REAL_SEARCHES = (Search("train"), Search("holdout"), Search("holdout", "train"))


class Drawing(NamedTuple):
    """A figure of a study."""

    kind: str
    of: str
    """The definition, the selection, or the analysis's table that it is of; empty where it is of the whole study."""
    label: str
    shows_samples: bool
    """Whether a table of the samples that it shows lies beside it."""


def own_searches(population: str) -> tuple[Search, ...]:
    """Return what is searched for duplicates of a generated population: itself, copies of `train`, and mixtures."""
    return Search(population), Search(population, "train"), Search(population, "holdout")


def searches(study: Study) -> list[Search]:
    """Return what is searched under every definition of a study: each counted population, and pairs of two."""
    crossed = [search for population in study.generated for search in own_searches(population)[1:]]
    return [*(Search(population) for population in counted(study)), Search("holdout", "train"), *crossed]


def counted(study: Study) -> list[str]:
    """Return the populations that are counted: real samples that trained, real ones that did not, generated ones."""
    return ["train", "holdout", *study.generated]


def trained(study: Study) -> list[str]:
    """Return the populations whose generators are trained in the study."""
    return [population for population, (name, _) in study.generated.items() if study.generators[name].trained]


def figures(study: Study) -> dict[str, Drawing]:
    """Return the figures of a study by name: STUDY/figures/NAME.svg."""
    found = {
        "gallery": Drawing("gallery", "", "samples", True),
        "birthday": Drawing("birthday", "", "birthday curve", False),
        "support": Drawing("support", "", "effective support", False),
        "diversity": Drawing("diversity", "", "diversity profile", False),
    }
    for name in study.definitions:
        found[f"closest-{name}"] = Drawing("closest", name, f"closest pairs by {name}", True)
        found[f"sweep-{name}"] = Drawing("sweep", name, f"sweep of {name}", False)
    for name in study.selections:
        found[f"selection-{name}"] = Drawing("selection", name, f"selection {name}", True)
    found["training"] = Drawing("training", "", "training", False)
    return found | {place: Drawing("analysis", place, place, False) for place in study.analysed}

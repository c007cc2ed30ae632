"""Sections of the configuration that steps read by themselves, apart from the whole and its plug-ins."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from gancensus.contracts.family import Strict
from gancensus.contracts.samples import RUN


class Splits(Strict):
    """Disjoint random parts of the real samples: below 1 a share of them, from 1 on a count."""

    train: float = Field(0.5, ge=0)
    """What generators and encoders learn from; 0 where nothing learns from the real samples."""
    calibrate: float = Field(0.25, gt=0)
    """What sets the thresholds of duplicates."""
    holdout: float = Field(0.25, gt=0)
    """What generated samples are compared with."""
    train_first: bool = False
    """Whether `train` is the first samples instead of random ones: those that a model elsewhere has learned from."""

    @property
    def sizes(self) -> dict[str, float]:
        """The size of each part."""
        return {"train": self.train, "calibrate": self.calibrate, "holdout": self.holdout}

    @model_validator(mode="after")
    def _check(self) -> Splits:
        sizes = self.sizes.values()
        if any(size >= 1 and size != int(size) for size in sizes):
            raise PydanticCustomError("splits", "a split is a share below 1 or a whole number of samples")
        if sum(size for size in sizes if size < 1) > 1 + 1e-9:
            raise PydanticCustomError("splits", "the shares of the splits add up to more than 1")
        if self.train_first and self.train == 0:
            raise PydanticCustomError("splits", "train_first says where `train` begins, and `train` is 0: leave it out")
        return self


class Cut(Strict):
    """Which samples a selection keeps, once they have scores."""

    keep: float = Field(gt=0)
    """Up to 1 the share of the samples that stay, above 1 their number."""
    per_class: bool = True
    """Whether classes are scored and cut one by one, where there are labels."""
    compatible: bool = False
    """Whether to do all as the implementation of the paper does, mistakes included (docs/methods.md says which)."""

    @field_validator("keep")
    @classmethod
    def _share_or_number(cls, keep: float) -> float:
        if keep > 1 and keep != int(keep):
            raise PydanticCustomError("keep", "is a share up to 1 or a whole number of samples")
        return keep


class Census(Strict):
    """How support sizes are estimated and judged."""

    level: float = Field(0.95, gt=0.5, lt=1)
    """Confidence level of the census's intervals."""
    margin: float = Field(1.5, gt=1)
    """Collision ratios within [1/margin, margin] count as equally diverse."""
    replicates: int = Field(10_000, ge=100)
    """Random orders of drawing from which the birthday curve is computed."""
    permutations: int = Field(1000, ge=100)
    """Random labellings that show which ratios two equally diverse populations can have."""
    alphas: tuple[Annotated[float, Field(gt=0, lt=1)], ...] = Field((0.1, 0.05, 0.02, 0.01, 0.005, 0.001), min_length=1)
    """Shares of the real pairs at which the sweep counts duplicates, by every subset of a definition's metrics."""
    sweep: int = Field(1000, ge=RUN, le=4000)
    """About how many samples of each population the sweep takes; it measures all their pairs."""

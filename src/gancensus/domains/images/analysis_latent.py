"""Latent spaces of encoders: whether they keep each class together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import combinations
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
import pyarrow as pa
from pydantic import Field

from gancensus.contracts.analysis import Analysis, AnalysisTable, Context
from gancensus.contracts.errors import UserError
from gancensus.contracts.family import EncoderName
from gancensus.contracts.samples import flatten
from gancensus.plotting.numbers import rows
from gancensus.storage.schemas import FLOAT, INT, SAMPLE, STRING, column, with_interval

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from gancensus.contracts.samples import Rows, Samples
    from gancensus.contracts.table import Columns
    from gancensus.domains.images.latent_space import Floats
    from gancensus.statistics.estimate import Estimate

Rng = Callable[[str], np.random.Generator]
Line = dict[str, Any]

MOST = 5000  # samples that are measured
POINTS = 2000  # samples that are drawn

LABEL = column("label", INT, about="the class; null: all classes, or samples without one")
CLASS = column("class", STRING, about="what the source calls the class; null where it has no name")
LATENT = pa.schema(
    [
        column("encoder", STRING, about="the encoder; of a difference, the first of those with equal options"),
        column("kind", STRING, about="its kind"),
        column("minus", STRING, about="the encoder whose values are subtracted; null: none"),
        LABEL,
        CLASS,
        *with_interval("purity", "mean share of a sample's nearest neighbours that are of its class"),
        column("null", FLOAT, about="the same where classes are permuted; null in differences"),
        *with_interval("clumps", "clumps of the class, the mean over classes for all; null where too few samples"),
        column("trainings", INT, about="encoders with equal options; of a difference, the fewer of the two"),
        column("samples", INT, about="samples of `holdout` that were measured"),
    ]
)
PLANE = pa.schema(
    [
        column("encoder", STRING, about="the encoder"),
        column("kind", STRING, about="its kind"),
        SAMPLE,
        LABEL,
        CLASS,
        *(
            column(axis, FLOAT, about=f"its latent vector along principal component {k}")
            for k, axis in ((1, "x"), (2, "y"))
        ),
        *(column(f"{axis}_share", FLOAT, about=f"share of the variance along `{axis}`") for axis in "xy"),
    ]
)


class Latent(Analysis):
    """Latent spaces side by side: does an encoder keep each class together, or does it place some in several clumps?

    An autoencoder is said to scatter classes, and a variational one not to (R. K. Mishra, ML4Jets 2021, on MNIST). Of
    the held-out samples, with their classes: purity, the share of each one's nearest neighbours that are of its class,
    and the number of clumps of a class, connected components of the graph of its mutual 10 nearest neighbours that hold
    5 % of it. Encoders with equal options are trainings of one: their spread is part of the interval of a difference.
    """

    kind: Literal["latent"] = "latent"
    encoders: list[EncoderName] = Field(min_length=1)
    """The encoders whose spaces are compared."""
    neighbours: int = Field(10, ge=1)
    """Nearest neighbours of a sample among which those of its class are counted."""

    tables: ClassVar[Mapping[str, AnalysisTable]] = {
        "latent": AnalysisTable(
            LATENT,
            "Classes in latent spaces",
            "For each class, and for all, the share of a held-out sample's nearest neighbours that are of its class "
            "(a grey line: where classes are permuted), and the number of clumps that the class forms, with 95 % "
            "intervals for the sampling of the held-out samples, which one training of each encoder has placed.",
        ),
        "points": AnalysisTable(
            PLANE,
            "Latent spaces",
            "Held-out samples in the latent space of each encoder, coloured by class: as they are where it has two "
            "dimensions, else along its first two principal components, in which clumps that are apart may overlap.",
        ),
    }

    @property
    def asks(self) -> tuple[str, ...]:
        """The encoders."""
        return tuple(self.encoders)

    def refuses(self, context: Context) -> str | None:
        """Refuse an encoder that is named twice."""
        twice = [name for name in self.encoders if self.encoders.count(name) > 1]
        return f"encoders has {twice[0]} twice; leave one out" if twice else None

    def analyse(
        self,
        table: str,
        real: Mapping[str, Rows],
        generated: Mapping[str, Rows],
        rng: Rng,
        context: Context,
    ) -> Columns:
        """Return the columns of a table."""
        holdout = real["holdout"].whole()
        most = MOST if table == "latent" else POINTS
        some = np.sort(rng(table).choice(len(holdout), min(most, len(holdout)), replace=False))
        samples = holdout.take(some)
        lines = list((self._measures if table == "latent" else self._points)(samples, rng, context))
        return {name: [line.get(name) for line in lines] for name in self.tables[table].schema.names}

    def _measures(self, samples: Samples, rng: Rng, context: Context) -> Iterator[Line]:
        """Yield the rows of each encoder, then the differences between those whose options differ."""
        from gancensus.domains.images.latent_space import ENOUGH, chance, compare, estimates, measure, stratified_halves

        labels = np.empty(0, np.int32) if samples.label is None else samples.label
        known, label = np.unique(labels, return_inverse=True)
        about = {name: {"encoder": name, "kind": one.encoder.kind} for name, one in context.models.items()}
        if len(known) < 2:
            yield from ({**about[name], "trainings": 1, "samples": len(samples)} for name in self.encoders)
            return
        counts, by_chance = np.bincount(label), chance(label)
        classes: list[Line] = [{"samples": len(label), "null": float(by_chance @ counts / len(label))}]
        for c, value in enumerate(known.tolist()):
            of_class = {"label": value, "class": context.source.classes.get(value)}
            classes.append({**of_class, "samples": int(counts[c]), "null": float(by_chance[c])})
        if counts.max() < ENOUGH:
            yield from (about[name] | facts | {"trainings": 1} for name in self.encoders for facts in classes)
            return
        splits = stratified_halves(label, rng("splits"))
        measured = {
            name: measure(z, label, self.neighbours, splits) for name, z in self._spaces(samples, context).items()
        }
        for name, found in measured.items():
            for facts, *both in zip(classes, *estimates(found), strict=True):
                yield about[name] | facts | _three(*both) | {"trainings": 1}
        for first, second in combinations(self._alike(context), 2):
            against = compare([measured[name] for name in first], [measured[name] for name in second])
            of = {"minus": second[0], "samples": len(label), "trainings": min(len(first), len(second))}
            yield about[first[0]] | of | _three(*against)

    def _alike(self, context: Context) -> list[list[str]]:
        """Return the encoders in groups of equal options."""
        groups: list[list[str]] = []
        for name in self.encoders:
            mine = context.models[name].encoder
            group = next((one for one in groups if context.models[one[0]].encoder == mine), None)
            groups += [] if group else [[name]]
            if group:
                group.append(name)
        return groups

    def _spaces(self, samples: Samples, context: Context) -> dict[str, Floats]:
        """Return the vectors (n, d) of samples in the space of each encoder; UserError where they are not finite."""
        found = {}
        for name in self.encoders:
            encoder, weights, device = context.models[name]
            found[name] = flatten(encoder.embed(weights, samples, None, device)).astype(np.float64)
            bad = np.count_nonzero(~np.isfinite(found[name]).all(axis=1))
            if bad:
                raise UserError(
                    f"encoder {name}: its vectors of {bad} of {len(samples)} samples are not finite; lower its "
                    "learning rate, or repair what it reads"
                )
        return found

    def _points(self, samples: Samples, _: Rng, context: Context) -> Iterator[Line]:
        """Yield each sample in the plane of each encoder."""
        from gancensus.domains.images.latent_space import plane

        for name, z in self._spaces(samples, context).items():
            at, shares = plane(z)
            about = {"encoder": name, "kind": context.models[name].encoder.kind}
            about |= {"x_share": shares[0], "y_share": shares[1]}
            for k, (x, y) in enumerate(at.tolist()):
                point = {"sample_id": samples.sample_id[k], "x": x, "y": y}
                if samples.label is not None:
                    label = int(samples.label[k])
                    point |= {"label": label, "class": context.source.classes.get(label)}
                yield about | point

    def findings(self, columns: Columns) -> list[str]:
        """Say how many clumps more or fewer one encoder makes of a class than another, and how much purer its space is.

        Of one training, the interval knows nothing of what another one would give; so the sentence says how many.
        """
        found = []
        for row in rows(columns):
            if row["minus"] and row["clumps"] is not None:
                trained = "1 training" if row["trainings"] == 1 else f"{row['trainings']:.0f} trainings"
                found.append(
                    f"{row['encoder']} ({row['kind']}) against {row['minus']}, at least {trained} of each: "
                    f"{_signed(row, 'clumps')} clumps a class, {_signed(row, 'purity')} in the purity of neighbours."
                )
        return found

    def unjudged(self, table: str, columns: Columns) -> list[str]:
        """Say which classes have too few samples, or that there are none."""
        from gancensus.domains.images.latent_space import ENOUGH

        if table != "latent":
            return []
        known = [row for row in rows(columns) if row["minus"] is None]
        if all(row["label"] is None for row in known):
            return ["The held-out samples have no classes, or one: nothing can be said of purity and clumps."]
        small = [row for row in known if row["purity"] is None and row["label"] is not None]
        few = {f"{row['class'] or int(row['label'])} ({row['samples']:.0f})": 0 for row in small}
        many = f"Classes with fewer than {ENOUGH} held-out samples are not judged: {', '.join(few)}."
        return [many] if few else []

    def draw(self, table: str, columns: Columns) -> Figure:
        """Draw a table."""
        from gancensus.domains.images import latent_figures as figures

        return figures.draw_classes(columns) if table == "latent" else figures.draw_points(columns)


def _three(purity: Estimate, clumps: Estimate) -> Line:
    """Return purity and clumps with the ends of their intervals, as columns."""
    named = {"purity": purity, "clumps": clumps}
    return {f"{name}{end}": v for name, one in named.items() for end, v in zip(("", "_low", "_high"), one, strict=True)}


def _signed(row: Mapping[str, Any], name: str) -> str:
    """Write a difference with its interval: −0.40 (−0.81 to +0.02)."""
    value, low, high = (f"{row[c]:+.2f}".replace("-", "−") for c in (name, f"{name}_low", f"{name}_high"))
    return f"{value} ({low} to {high})"

"""Anomaly: how well autoencoders and earth mover's distances find jets that are not of the background."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

import numpy as np
import pyarrow as pa
from pydantic import Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from gancensus.contracts.analysis import Analysis, AnalysisTable, Context
from gancensus.contracts.family import EncoderName
from gancensus.domains.jets.jet_samples import other_width
from gancensus.storage.schemas import FLOAT, INT, LOW_HIGH, STRING, column, with_interval

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from gancensus.contracts.samples import Rows
    from gancensus.contracts.table import Columns

_SCORE = column(
    "score", STRING, about="loss, reconstruction, average, medoids-N (the nearest of N), neighbours-K (the K-th) or pt"
)
_ENCODER = column("encoder", STRING, about="the encoders that are its trainings; null for other scores")
_P = column("p", FLOAT, about="power of the ground distance of an earth mover's distance; null for other scores")
_BETWEEN = (
    column("background", STRING, about="the class that encoders have learned from, and reference jets are of"),
    column("signal", STRING, about="the class that is to be found"),
)
_KIND = column("kind", STRING, about="kind of the encoder")
_NETWORK = (
    _KIND,
    column("trained", STRING, about="mse or emd: how its training compares a sample with its reconstruction"),
    column("blocks", INT, about="its down-sampling blocks"),
    column("beta", FLOAT, about="its weight of the divergence; null: it has none"),
    column("replicas", INT, about="its trainings, over which areas are averaged"),
)
ANOMALY = pa.schema(
    [
        _SCORE,
        _ENCODER,
        *_NETWORK,
        _P,
        column("root", pa.bool_(), about="whether the distance is raised to 1 / p, which changes no area: false"),
        *_BETWEEN,
        column("background_jets", INT, about="jets of the background that are judged"),
        column("signal_jets", INT, about="jets of the signal that are judged"),
        column("matched", pa.bool_(), about="whether both have one spectrum of transverse momentum"),
        *with_interval("auc", "area under the ROC curve; null: too few jets"),
        *with_interval(
            "rejection_30",
            "1 / background efficiency at signal efficiency .3; null: the background efficiency can be 0",
        ),
        *with_interval(
            "rejection_50",
            "1 / background efficiency at signal efficiency .5; null: the background efficiency can be 0",
        ),
        column(
            "chosen",
            pa.bool_(),
            about="whether it has the largest area on `calibrate` of all variational networks trained by the MSE",
        ),
    ]
)
DIFFERENCES = pa.schema(
    [
        _SCORE,
        _ENCODER,
        _KIND,
        _P,
        column("other", STRING, about="the score that it is compared with"),
        column("other_encoder", STRING, about="its encoders"),
        column("other_kind", STRING, about="their kind"),
        column("other_p", FLOAT, about="its power of the ground distance"),
        *_BETWEEN,
        column("difference", FLOAT, about="area of the score less that of the other, on the same jets"),
        *LOW_HIGH,
        column(
            "verdict", STRING, about="alike: the interval is within .03; different: 0 is not in it; too little to tell"
        ),
    ]
)
ROC = pa.schema(
    [
        _SCORE,
        _ENCODER,
        _KIND,
        _P,
        *_BETWEEN,
        column("signal_efficiency", FLOAT, about="share of the signal jets that pass"),
        column("background_efficiency", FLOAT, about="share of the background jets that pass"),
        *LOW_HIGH,
    ]
)
SWEEP = pa.schema(
    [
        column("sweep", INT, about="equal for networks of a background that differ in nothing but beta"),
        _ENCODER,
        *_NETWORK,
        *_BETWEEN,
        *with_interval("validation", "area on jets of `calibrate`, by which the best is chosen"),
        *with_interval("auc", "area on jets of `holdout`"),
        column("best", pa.bool_(), about="whether it has the largest area on `calibrate`"),
        column(
            "perhaps", pa.bool_(), about="whether it can be the best one on average; null: trained once, no telling"
        ),
    ]
)
MEDOIDS = pa.schema(
    [
        _BETWEEN[0],
        _P,
        column("medoid", INT, about="0 for the average jet, then medoids, that of most reference jets first"),
        column("share", FLOAT, about="share of the reference jets that it is nearest to; null for the average jet"),
        column("sample_id", INT, about="the jet; null for the average one"),
        column("eta", FLOAT, about="centre of the pixel, from the middle of the image"),
        column("phi", FLOAT, "rad", "centre of the pixel, from the middle of the image"),
        column("value", FLOAT, about="share of the jet's transverse momentum in the pixel"),
    ]
)


class Anomaly(Analysis):
    """Anomaly scores that know only jets of one class, the background, and how well they find jets of other classes.

    Loss and reconstruction error of autoencoders (Heimel et al., arXiv:1808.08979; Farina et al., arXiv:1808.08992),
    with the sweep over beta of Fraser et al., arXiv:2110.06948; and earth mover's distances W_p^p to the average
    background jet, to the nearest of several medoids, and to the k-th nearest of the reference jets, as there. A root
    1 / p would leave every score's order, and so its area, as it is. `train` is learned from, `calibrate` chooses beta,
    `holdout` is judged. The background of an encoder is the class that it learns from, so one of top jets does the
    inverse task (Finke et al., arXiv:2104.09051).
    """

    kind: Literal["anomaly"] = "anomaly"
    needs_train: ClassVar[bool] = True
    encoders: tuple[EncoderName, ...] = ()
    """Autoencoders whose losses are scores, each learning from one class (`only`). Those with equal options are
    trainings of one network, and show how much another training changes."""
    background: int = 0
    """The class that distances know; for encoders it is the one that they learn from."""
    signals: tuple[int, ...] | None = None
    """The classes that are to be found; without them, all others."""
    matched: bool = True
    """Whether as many jets of both classes are judged in every bin of transverse momentum, whose spectra alone can tell
    classes apart. Otherwise the area of the momentum alone stands beside."""
    references: int = Field(200, ge=20, le=500)
    """Training jets of a background that medoids are chosen from and neighbours are among."""
    jets: int = Field(500, ge=1)
    """Jets of each class that are judged, at most."""
    p: tuple[Literal[0.5, 1.0], ...] = Field((0.5, 1.0), min_length=1)  # type: ignore[valid-type]  # pydantic allows numbers
    """Powers of the ground distance."""
    width: float = Field(2.0, gt=0)
    """Width of the images in pseudorapidity and azimuth; the distance at which moving costs 1 is 1."""
    medoids: tuple[Annotated[int, Field(ge=1)], ...] = Field((1, 3, 5, 10), min_length=1)
    """Numbers of medoids."""
    neighbours: int = Field(5, ge=1)
    """The k of the k-th nearest reference jet."""

    tables: ClassVar[Mapping[str, AnalysisTable]] = {
        "anomaly": AnalysisTable(
            ANOMALY,
            "Anomaly scores",
            "How well each score finds jets of another class (the signal) among those of the class that it knows (the "
            "background): the area under the ROC curve with its 95 % interval. At 0.5, the dashed line, a score says "
            "nothing; below it, the background looks more anomalous than the signal. The interval contains the "
            "sampling of the judged jets (DeLong), the spread over trainings of the same network, and for distances "
            "the choice of the reference jets. EMD is the earth mover's distance W_p^p. Where jets are matched in "
            "transverse momentum, pT is at 0.5; hollow is what it would reach without. Of variational networks trained "
            "by the MSE, only the one that does best on other jets (`calibrate`) is shown. Right: background "
            "rejection, 1 / background efficiency, at 30 % signal efficiency; an arrow: the interval has no upper end.",
        ),
        "differences": AnalysisTable(
            DIFFERENCES,
            "Differences between anomaly scores",
            "Area under the ROC curve of each score less that of the first one, on the same jets, with its 95 % "
            "interval (DeLong's paired comparison, trainings, reference jets). Alike: the interval lies within the "
            "grey band of 0.03 to either side. Different: it leaves out 0. All pairs are in the table.",
        ),
        "roc": AnalysisTable(
            ROC,
            "ROC curves of anomaly scores",
            "Share of the background that passes, against that of the signal, with 95 % bands at each point; lower is "
            "better. The dotted line is chance. The variational network trained by the MSE is the one that does best "
            "on other jets.",
        ),
        "sweep": AnalysisTable(
            SWEEP,
            "Anomaly scores by beta",
            "Area under the ROC curve of the loss of variational networks that differ in nothing but beta, the weight "
            "of the divergence, with 95 % intervals: on the jets by which the best is chosen (hollow) and on those "
            "that are judged (full). The ring marks the best one. Crosses below: betas that are surely not the best on "
            "average (97.5 % for each signal).",
        ),
        "medoids": AnalysisTable(
            MEDOIDS,
            "Average jet and medoids",
            "What stands for the background: the mean of the images of its training jets, and the medoids, jets to "
            "which the others are nearest by the earth mover's distance, with the share of the jets that are nearest "
            "to each. Colours show the share of a jet's pT in a pixel, on a logarithmic scale; empty pixels are "
            "white.",
        ),
    }

    @field_validator("encoders", "signals", "p", "medoids")
    @classmethod
    def _each_once(cls, values: tuple[Any, ...] | None) -> tuple[Any, ...] | None:
        twice = [one for one, count in Counter(values or ()).items() if count > 1]
        if twice:
            raise PydanticCustomError("anomaly", "has {value} more than once; leave one out", {"value": twice[0]})
        return values

    @model_validator(mode="after")
    def _enough_references(self) -> Self:
        if self.references < self.needed:
            raise PydanticCustomError(
                "anomaly",
                "`references` must be at least {needed}: medoids and neighbours are also taken from halves of them",
                {"needed": self.needed},
            )
        if self.signals is not None and (not self.signals or self.background in self.signals):
            raise PydanticCustomError("anomaly", "`signals` must be other classes than `background`, at least one")
        return self

    @property
    def needed(self) -> int:
        """The fewest references, as medoids and neighbours are also taken from halves of them."""
        return 2 * max(*self.medoids, self.neighbours)

    @property
    def asks(self) -> tuple[str, ...]:
        """The encoders whose losses are scores."""
        return self.encoders

    def refuses(self, context: Context) -> str | None:
        """Refuse encoders without a decoder or of all classes, and classes that the source does not have."""
        if reason := other_width(context.source, self.width):
            return reason
        for name, model in context.models.items():
            if not model.encoder.restores:
                return f"encoder {name} ({model.encoder.kind}) restores no samples, so it has no loss; leave it out"
            if model.encoder.class_learned is None:
                return f"encoder {name} learns from every class; say with `only` which one is its background"
        learned = [model.encoder.class_learned for model in context.models.values()]
        classes = context.source.classes
        for one in (self.background, *(self.signals or ()), *learned):
            if classes and one not in classes:
                there = ", ".join(f"{label} ({name})" for label, name in classes.items())
                return f"the source has no class {one}; there are: {there}"
        return None

    def analyse(
        self,
        table: str,
        real: Mapping[str, Rows],
        generated: Mapping[str, Rows],
        rng: Callable[[str], np.random.Generator],
        context: Context,
    ) -> Columns:
        """Return the columns of a table; all tables judge the same jets.

        Raises UserError where samples are no images, have no classes or, to be matched, no condition `pt`.
        """
        from gancensus.domains.jets.anomaly_rows import TABLES, Options, Study, columns

        options = Options(**{name: getattr(self, name) for name in Options._fields})
        lines = list(TABLES[table](Study(options, real, rng, context)))
        return columns(self.tables[table].schema.names, lines)

    def findings_in(self, table: str, columns: Columns) -> list[str]:
        """Say whether networks and distances are alike, whether the inverse task fails, and whether optima differ."""
        from gancensus.domains.jets import anomaly_words as words

        said = {"anomaly": words.areas, "differences": words.differences, "sweep": words.optima}
        return said[table](columns) if table in said else []

    def unjudged(self, table: str, columns: Columns) -> list[str]:
        """Say which classes have too few jets, and which networks only one training."""
        from gancensus.domains.jets import anomaly_words as words

        said = {"anomaly": words.unjudged_areas, "sweep": words.unjudged_optima}
        return said[table](columns) if table in said else []

    def draw(self, table: str, columns: Columns) -> Figure:
        """Draw a table."""
        from gancensus.domains.jets import anomaly_figures as figures

        return figures.DRAW[table](columns)

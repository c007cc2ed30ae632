"""What the tables of the analysis `mapper` say, in sentences."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from gancensus.contracts.cells import written
from gancensus.contracts.table import Columns
from gancensus.domains.topology.mapper_tables import OUTSIDE
from gancensus.domains.topology.node_features import Effect
from gancensus.domains.topology.node_tests import RATE
from gancensus.plotting.numbers import Row, integer, listing, number, percent, rows, short, unit
from gancensus.storage.inference import counted_noun

MOST = 3  # findings of a population that are said
NAMED = 6  # nodes that are named in a sentence
MUCH = 0.3  # share of holdout in no node that is said to be much
LIFT = 1.5  # how much more frequent than in train a class is that a region is named by
DESCRIBED = 2  # features that describe a region
REAL = "calibrate"
SELVES = "Real samples differ among themselves, as in one study of 20 by chance"
ENDS = ("", "_low", "_high")
LISTS = ("nodes", "samples", "holdout_samples")  # columns of lists


def described(effects: Iterable[Effect]) -> str | None:
    """Return the first few features of a node or region in words; None where there are none.

    "age larger (median 51 a, elsewhere 33 a), purpose = car more often (80 %, elsewhere 12 %)"
    """
    return ", ".join(map(_feature, list(effects)[:DESCRIBED])) or None


def _feature(effect: Effect) -> str:
    more, of = bool(effect.effect.value and effect.effect.value > 0), effect.feature
    inside, elsewhere = (value_of(value, of.kind, of.unit) for value in (effect.inside, effect.elsewhere))
    if of.kind == "share":
        return f"{of.name} {'more' if more else 'less'} often ({inside}, elsewhere {elsewhere})"
    words = ("larger", "smaller") if of.kind == "number" else ("later", "earlier")
    return f"{of.name} {words[0] if more else words[1]} (median {inside}, elsewhere {elsewhere})"


def value_of(value: float, kind: str, of: str) -> str:
    """Write a value of a feature of a kind (see `Feature`) and a unit."""
    if kind == "share":
        return percent(value)
    if kind == "date":
        return written(value, "ymd", 1 if value == round(value) else 1440)
    return written(value, "clock", 60) if kind == "time" else f"{short(value)} {unit(of)}".strip()


def findings(columns: Columns) -> list[str]:
    """Say which regions populations drop or invent, the largest differences first, but those of real samples before."""
    said, rest = [], []
    for population, regions in _by_population(columns).items():
        warned = f"{SELVES}: {REAL}" if population == REAL else population
        said += [
            (population != REAL, -_apart(row), f"{warned}: {_finding(row, population)}.") for row in regions[:MOST]
        ]
        if len(regions) > MOST:
            rest.append(f"{population}: {counted_noun(len(regions) - MOST, 'more such region')}.")
    return [sentence for *_, sentence in sorted(said)] + rest


def _apart(row: Row) -> float:
    """Return how far the shares of a region are apart."""
    return float(abs(row["share"] - row["holdout_share"]))


def _finding(row: Row, population: str) -> str:
    whose = "other real ones" if population == REAL else "generated ones"
    where = "what is in no node holds" if row["region"] == OUTSIDE else f"{_nodes(list(row['nodes']))}"
    about = of_class(row) if named_by_class(row) else row["features"]
    return (
        f"{row['finding']}: {where} {percent(row['holdout_share'])} of the held-out samples and "
        f"{percent(row['share'])} of the {whose} ({'; '.join(filter(None, (about, _ratio(row))))})"
    )


def named_by_class(row: Row) -> bool:
    """Return whether a class says what a region is: most of it, and more of it than of all training samples."""
    known = row["label"] is not None and OUTSIDE not in (row.get("region"), row.get("node"))
    return bool(known and row["purity"] > 0.5 and row["purity"] >= LIFT * row["class_share"])


def of_class(row: Row) -> str:
    """Write how much of a region, and of all training samples, is of its most frequent class."""
    return f"{percent(row['purity'])} class {row['label']}, of all {percent(row['class_share'])}"


def _ratio(row: Row) -> str:
    """Return the ratio with its interval, or the end that is known where one side has no sample."""
    return f"ratio {known_end(row, 2) or '{}, {} to {}'.format(*(number(row[f'ratio{end}'], 2) for end in ENDS))}"


def known_end(row: Row, digits: int) -> str | None:
    """Return the end of the ratio's interval that is known where one side has no sample; None where both have."""
    if row["count"] and row["holdout"]:
        return None
    end, name = ("at most", "ratio_high") if row["holdout"] else ("at least", "ratio_low")
    return f"{end} {number(row[name], digits)}"


def _nodes(names: Sequence[str]) -> str:
    if len(names) == 1:
        return f"node {names[0]} holds"
    if len(names) <= NAMED:
        return f"nodes {listing(names)} hold"
    return f"nodes {', '.join(names[:NAMED])} and {counted_noun(len(names) - NAMED, 'other')} hold"


def of_nodes(columns: Columns) -> list[str]:
    """Say what the graph looks like, which share of each population is in no node, and which losses would be found.

    Nothing is said of real samples in a generator's place.
    """
    known = {name: some for name, some in _by_population(columns).items() if name != REAL}
    if not known:
        return []
    outside = {name: some[-1] for name, some in known.items()}
    held = next(iter(outside.values()))["holdout_share"]
    shares = {"holdout": held} | {name: row["share"] for name, row in outside.items()}
    none = listing([f"{percent(share)} of {name}" for name, share in shares.items()])
    said = [f"{_shape(next(iter(known.values())))} In no node are {none}."]
    nothing = {name: some for name, some in known.items() if _tested(some) and not any(map(_found, some))}
    return said + ([_nothing(nothing)] if nothing else [])


def _shape(some: Sequence[Row]) -> str:
    """Say how many nodes, components and loops the graph has."""
    loops = {row["component"]: int(row["loops"]) for row in some if row["node"] != OUTSIDE}
    counted = [(len(some) - 1, "node"), (len(loops), "component"), (sum(loops.values()), "loop")]
    return f"The Mapper graph of the real samples has {listing([counted_noun(n, word) for n, word in counted])}."


def _nothing(populations: dict[str, list[Row]]) -> str:
    """Say that no node differs, and the largest share of a typical node that would have been found to be too small."""
    visible = {name: _typical(some) for name, some in populations.items()}
    name, node = min(visible.items(), key=lambda one: one[1]["detectable"] or 0)
    said = f"No node of the Mapper graph holds more or fewer samples of {listing(list(populations))} than of holdout"
    whole = f"a node with {percent(node['holdout_share'])} of the held-out samples, a typical share,"
    of = f" of {name}" if len(populations) > 1 else ""
    if node["detectable"] is None:
        return f"{said}; even {whole} would not have been found to be dropped ({integer(node['size'])} samples{of})."
    most = percent(node["detectable"] * node["holdout_share"])
    seen = f"{whole} would have been found to lack samples with {most} or less{of}"
    return f"{said}; {seen}, a loss that crosses nodes only if it is larger."


def _typical(some: Sequence[Row]) -> Row:
    """Return the node with the median number of held-out samples among those that were tested."""
    tested = sorted(_tested(some), key=lambda row: (row["holdout"], row["node"]))
    return tested[len(tested) // 2]


def _tested(some: Sequence[Row]) -> list[Row]:
    return [row for row in some if row["adjusted"] is not None and row["node"] != OUTSIDE]


def _found(row: Row) -> bool:
    return row["adjusted"] is not None and row["adjusted"] <= RATE


def unjudged(columns: Columns) -> list[str]:
    """Say which nodes, or populations, have too few samples to be compared."""
    return list(_unjudged(_by_population(columns)))


def _unjudged(populations: dict[str, list[Row]]) -> Iterator[str]:
    outside = next(iter(populations.values()))[-1]["holdout_share"] if populations else 0.0
    if outside > MUCH:
        yield (
            f"{percent(outside)} of holdout is in no node, and there no loss is seen: lower `intervals`, raise "
            "`neighbours`, or use more samples or one lens."
        )
    same: dict[str, list[str]] = {}
    for population, some in populations.items():
        nodes = [row for row in some if row["node"] != OUTSIDE]
        small = [row["node"] for row in nodes if row["adjusted"] is None]
        if len(small) == len(nodes):
            size = counted_noun(int(some[0]["size"]), "sample")
            sizes = f"{size} of it and {integer(some[0]['holdout_size'])} of holdout"
            yield f"{population}: {sizes} are too few to judge any node."
        elif small:
            more = f" and {counted_noun(len(small) - NAMED, 'other')}" if len(small) > NAMED else ""
            same.setdefault(f"{', '.join(small[:NAMED])}{more}", []).append(population)
    for named, of in same.items():
        yield f"Too few samples, of holdout and of {listing(of)}, to judge nodes: {named}."


def _by_population(columns: Columns) -> dict[str, list[Row]]:
    """Return the rows of each population, with the nodes of each, but without the samples that are shown."""
    found: dict[str, list[Row]] = {}
    nodes = columns.get("nodes", [None] * len(columns["population"]))
    single = rows({name: column for name, column in columns.items() if name not in LISTS})
    for row, names in zip(single, nodes, strict=True):
        found.setdefault(row["population"], []).append(row | {"nodes": names})
    return found

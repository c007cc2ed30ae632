"""What the table of correlations answers to the questions that are asked of it: yes, no, or too little to tell."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gancensus.contracts.table import Columns
from gancensus.domains.jets.correlation import DEEPER, LATENT, LOSS, PIXELS, SHALLOW
from gancensus.plotting.numbers import Row, rows

QUESTIONS = {
    PIXELS: "Do latent distances follow optimal transport more closely than the root of the pixels' MSE does "
    "(Pearson)?",
    DEEPER: "Does the correlation of latent distances with transport grow with the number of blocks?",
    SHALLOW: "Has a network of one block a higher correlation in its block and a lower one in its latent space than "
    "one of two?",
    LOSS: "Do latent distances of a network trained by transport follow it more closely than those of one trained by "
    "MSE?",
}
LACKING = {
    DEEPER: "no two differ in `blocks` alone",
    SHALLOW: "no two of `blocks: 1` and `blocks: 2` are else alike",
    LOSS: "no two, one trained by transport and one by MSE, have equal layers and one `beta`",
}


def answers(columns: Columns) -> Iterator[str]:
    """Yield a sentence per question and network that can be judged."""
    for question, text in QUESTIONS.items():
        for network, some in _asked(columns, question).items():
            if any(row["above_low"] is None for row in some):
                continue
            parts = dict.fromkeys(map(target_name, some))
            said = [_answer([row for row in some if target_name(row) == part]) for part in parts]
            yield f"{text} {network}: {'; '.join(said)}."


def gaps(columns: Columns) -> Iterator[str]:
    """Yield which questions cannot be judged: nothing to compare, equal distances, or no training that was repeated."""
    for question, text in QUESTIONS.items():
        asked = _asked(columns, question)
        if not asked and question in LACKING:
            yield f"{text} The networks asked: not judged, as {LACKING[question]}."
        for network, some in asked.items():
            if any(row["above"] is None for row in some):
                yield f"{text} {network}: not judged, as a correlation is not defined where all distances are equal."
            elif any(row["above_low"] is None for row in some):
                yield (
                    f"{text} {network}: not judged, as no network with these layers was trained twice; give an encoder "
                    "with the same options under a second name."
                )


def target_name(row: Row) -> str:
    """Return what a row's transport distance is."""
    return "p = 1" if row["p"] == 1 else f"p = 1/2 {'with' if row['root'] else 'without'} the root"


def decimal(value: float) -> str:
    """Write a correlation or a difference of two."""
    return f"{round(value, 2) + 0.0:.2f}".replace("-", "−")


def _asked(columns: Columns, question: str) -> dict[str, list[Row]]:
    """Return the rows that answer a question, by what they are about."""
    found: dict[str, list[Row]] = {}
    for row in rows(columns):
        if _question(row) == question:
            found.setdefault(_subject(row), []).append(row)
    return found


def _question(row: Row) -> str | None:
    """Return the question that a row answers: of means, what the table calls it, or whether latent is above pixels."""
    if row["question"] is not None:
        return str(row["question"])
    return PIXELS if row["replicas"] is not None and row["layer"] == LATENT else None


def _subject(row: Row) -> str:
    """Return what a sentence is about: a network, both of two, or those that differ in blocks alone."""
    if row["question"] == LOSS:
        return f"{row['network']} beside {row['beside_network']}"
    return str(row["network"] if row["question"] is None else row["family"])


def _answer(some: Sequence[Row]) -> str:
    """Answer a question for one transport distance.

    By the intervals of the differences: yes where all have the sign that is claimed, no where one has the other sign.
    """
    signs = [_sign(row) * (-1 if _question(row) == SHALLOW and row["layer"] == LATENT else 1) for row in some]
    verdict = "yes" if min(signs) > 0 else "no" if min(signs) < 0 else "too little to tell"
    return f"{target_name(some[0])}: {verdict} ({', '.join(map(_difference, some))})"


def _sign(row: Row) -> int:
    return int(row["above_low"] > 0) - int(row["above_high"] < 0)


def _difference(row: Row) -> str:
    """Write a difference with its interval, and of what."""
    value, low, high = (decimal(row[f"above{end}"]) for end in ("", "_low", "_high"))
    said = f"{'+' if row['above'] >= 0.005 else ''}{value}, {low} to {high}"
    if row["question"] == DEEPER:
        return f"{row['blocks']:.0f} beside {row['beside_blocks']:.0f} blocks {said}"
    if row["question"] == SHALLOW:
        return f"{row['layer']} beside {row['beside_layer']} of two {said}"
    return said

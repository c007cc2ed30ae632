"""Titles and captions of the figures, once for all reports."""

from __future__ import annotations

from gancensus.census.shares import REPEAT
from gancensus.contracts.metric import SCALES
from gancensus.plotting.numbers import integer, listing, percent

FIGURES = {
    "gallery": (
        "Samples",
        "Samples of each population, evenly spaced through it, none chosen by eye. Showers are seen from the side, "
        "depth to the right, energies by their logarithm over four decades. Where samples are rows of a table: "
        "the distribution of each column, as the share of samples at or below a value, in natural units.",
    ),
    "birthday": (
        "Birthday curve",
        "The probability that a batch of samples holds at least one duplicate, by batch size, with its band. A marker "
        "is the smallest batch in which a duplicate is more likely than not. The further left a curve rises, the fewer "
        "different samples there are.",
    ),
    "support": (
        "Effective support",
        "The number of equally likely samples that would collide as often as these do, with its interval. The shaded "
        "band is the interval of the held-out real samples. Where no duplicate was found, an arrow points up from the "
        "one-sided bound.",
    ),
    "scales": (
        "Ratios at every scale",
        "Collisions over those of the held-out samples, with intervals, at thresholds for which these are expected to "
        f"have about {listing([integer(count) for count in SCALES.values()])} duplicates; how many they have is at the "
        "left. The verdict is that of the scale middle. A generator that repeats itself does at every scale, one "
        "with many exact copies most at the strict one. The grey band is the margin. Arrows start at one-sided bounds.",
    ),
    "coverage": (
        "Coverage by number of samples",
        "The share of a population that has a near sample among as many others of it, with its band, at the distance "
        f"within which {percent(REPEAT)} of real samples have one among as many as were compared. Where a curve lies "
        "left of that of the held-out samples, fewer samples repeat as much: it is less diverse. The dotted line is "
        "the share at which both are compared.",
    ),
    "diversity": (
        "Diversity profile",
        "How many kinds of samples there are, with intervals. Order 0 counts every kind, those not seen estimated by "
        "Chao1; order 1 weighs kinds by how frequent they are; order 2 sees the frequent ones. A kind is a group of "
        "samples that duplicates connect. The duplicate of a duplicate need not be one, so groups can be chains; "
        "where they are, markers are hollow and numbers too low. A larger population joins more groups: compare "
        "populations of the same size. With fewer than about ten kinds seen twice, orders 0 and 1 can be far off. An "
        "arrow points up from a one-sided bound.",
    ),
    "sweep": (
        "Sweep of the definition",
        "How much of the result comes from the data, and how much from the definition. Left: the effective support "
        "when each threshold lets in a share alpha of the real pairs, with bands; dotted, what alpha alone would give "
        "if the metrics were independent. Right: collisions over those of the held-out samples, with all metrics, "
        "without one and with only one, at the smallest alpha that leaves the held-out samples 5 duplicates; by "
        "alpha where there is one metric. The grey band is the margin. Arrows start at one-sided bounds. A part of "
        "each population is swept.",
    ),
    "closest": (
        "Closest pairs",
        "The closest duplicate pairs of each population side by side, closest first, with their distance by the first "
        "metric of the definition that compares samples: they show what the definition calls the "
        "same. Rows of a table are drawn as profiles over their columns, which reach from -1 to 1 in real rows (at the "
        "edge: what lies beyond), one sample solid, the other dashed.",
    ),
    "groups": (
        "Which ones repeat",
        "The largest groups of near-duplicates of each generated population: a sample with its near-duplicates, the "
        "nearest ones first, with the names of their files or their rows. Every sample of a group is within the "
        "definition's thresholds of the first one. Last, in a frame, the training sample that is closest to one of the "
        "group, where one is within the thresholds. A group of one sample is near a training sample alone. Rows of a "
        "table are drawn as profiles over their columns, which reach from -1 to 1 in real rows (at the edge: what lies "
        "beyond), the first sample thick, that of training dashed.",
    ),
    "selection": (
        "Selection",
        "The score of each training sample above or below the cut (of its class, where there are labels: scores "
        "compare only within a class), and the extremes of both sides: the first of each class, then the second, and "
        "so on.",
    ),
    "training": (
        "Training",
        "Each loss by epoch, averaged over its batches. The loss of a discriminator is ln 2 when it cannot tell real "
        "samples from generated ones.",
    ),
    "timeline": (
        "Timeline",
        "When each job ran, a bar for each attempt: jobs in one line ran one after the other, jobs "
        "above each other at the same time. A bar is filled where the job finished; a cross is a failure, or the "
        "start of a job that was killed and of which nothing more is known. Long idle times are left out at the dashed "
        "lines. The jobs that come after all others, such as the one that wrote this page, are "
        "not in it.",
    ),
}
"""Title and caption of each figure, for every report; an analysis has its own."""

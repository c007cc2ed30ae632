"""Rates by which the time, memory and bytes of a job are estimated, each with where it comes from.

Of one thread on one of two shared cores with AVX-512 VNNI. Where nothing else is said, measured for this table, on
1,000 to 4,000 simulated showers (bench.showers), and repeats and duplicates of 100,000 to 300,000 samples. MB are those
of values in memory, 4 bytes each.
"""

START = 2.0  # s: a job that does nothing: Snakemake, imports, compiled loops; assumed
READ, WRITE = 1.0e-3, 1.3e-3  # s per MB of a table of showers; of noise, which hardly compresses, 1.5e-3 and 3.6e-3
LOAD = {"prepare": 1.1e-3, "generate": 1.6e-3}  # s per MB of a user's array, as float32; `prepare` reads all of it
IMAGE, DECODE = 0.25e-3, 45e-3  # s per file of an image, and per MB of it: PNG and JPEG of 32 to 1,920 pixels
HASH = 0.6e-3  # s per MB of a file
FILTER = 0.19  # ns per pair of points of 64 values (docs/growth.svg)
POWER = 1.23  # of the values, by which that grows (bench)
LINE = 17.0  # ns per pair that is near on a line
MERGE = 0.15e-6  # s per row of repeats and shard
CENSUS, CENSUS_POWER = 29e-6, 1.4  # s per row of repeats of 2.7 million; of all rows, to this power
GROUP, GROUP_HELD = 3e-2, 8.0  # s per MB of pairs that are grouped; MB held per MB of those of a search
LABELLED = 8e-3  # s per labelling and definition, of as many near pairs as `answers` takes
BASE = 300.0  # MB of a process that has loaded everything
PIECES = 150.0  # MB of the chunks in which samples are read that need not be in memory together
KNOWN = 50.0  # bytes a sample that are kept in memory for all of them
REPEATS, MERGED = 120.0, 280.0  # bytes in memory of a row of repeats, and where those of all shards are added up
DENSE = 0.86  # stored bytes per byte of values without structure: vectors, and what networks draw
REPEAT, PAIR, DISTANCE = 0.5, 3.0, 7.0  # stored bytes of a row of repeats; of i and j of a duplicate; of a distance
SMALL = 30_000  # stored bytes of any other file, roughly

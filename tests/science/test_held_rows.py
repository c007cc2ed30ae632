"""A population in memory is what its sample table gives back."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gancensus.contracts.samples import Notes, Samples, Scale
from gancensus.storage.samples import HeldRows, SampleRows, write_samples


def same(one: Samples, other: Samples) -> bool:
    arrays = [(a.x, a.sample_id, a.label, *a.conditions.values()) for a in (one, other)]
    equal = all(np.array_equal(a, b) and a.dtype == b.dtype for a, b in zip(*arrays, strict=True))
    return equal and (one.scale, dict(one.units)) == (other.scale, dict(other.units))


@pytest.mark.parametrize("count", [0, 1, 5000])
def test_what_is_held_is_what_would_be_read(count: int, tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    scale = Scale(("value",), ("GeV",), (0.0,), (255.0,))
    energy, label = rng.uniform(size=count), rng.integers(0, 3, count).astype(np.int32)
    x = rng.uniform(-1, 1, (count, 40, 40)).astype(np.float32)
    samples = Samples(x, np.arange(count)[::-1].copy(), label, scale, {"energy": energy}, {}, Notes("a note"))
    write_samples(tmp_path / "0.parquet", samples)
    read, held = SampleRows([tmp_path / "0.parquet"]), HeldRows(samples, "held")
    assert (
        len(read) == len(held) == count
        and same(read.whole(), held.whole())
        and same(read.identities(), held.identities())
    )
    some = rng.integers(0, max(count, 1), 7)[: 7 * (count > 0)]
    assert same(read.take(some), held.take(some))
    for rows in (slice(0, count), slice(count // 3, count // 2), slice(0, 0)):
        chunks = list(held.chunks(rows))
        assert chunks and sum(map(len, chunks)) == rows.stop - rows.start
        whole = np.concatenate([chunk.x for chunk in chunks])
        assert np.array_equal(whole, np.concatenate([chunk.x for chunk in read.chunks(rows)]))
        assert sum(len(chunk) for chunk in held.chunks(rows, without_x=True)) == rows.stop - rows.start
    held.write(tmp_path / "again.parquet")
    assert (tmp_path / "again.parquet").read_bytes() == (tmp_path / "0.parquet").read_bytes()
    twice = HeldRows.joined([held, HeldRows(replace(samples, sample_id=samples.sample_id + count), "other")])
    assert len(twice) == 2 * count and twice.whole().scale == scale

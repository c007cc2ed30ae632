from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from gancensus.contracts.showers import CELLS, coarse_shape, coarsened, measured_angle, shower_scale

SHAPES = st.tuples(st.integers(1, 3), st.integers(1, 9), st.integers(1, 9), st.integers(1, 9))


def line(slope: float, layers: int, first: int = 0, energy: float = 1.0) -> NDArray[np.float64]:
    """One shower (1, 5, 40, layers): in each layer from `first` on, a barycentre y that grows by the slope."""
    cells = np.zeros((1, 5, 40, layers))
    for z in range(first, layers):
        below, part = divmod(20 + slope * (z - layers / 2), 1)
        cells[0, 2, int(below), z] = energy * (1 - part)
        cells[0, 2, int(below) + 1, z] = energy * part
    return cells


def blobs(seed: int, showers: int = 6) -> NDArray[np.float64]:
    return np.random.default_rng(seed).gamma(0.1, size=(showers, 7, 8, 6))


# The angle


@pytest.mark.parametrize("slope", [-1.5, -1.0, -0.25, 0.0, 0.125, 0.5, 1.0, 1.75])
@pytest.mark.parametrize("first", [0, 4])
def test_the_angle_of_a_line_is_that_of_its_slope(slope: float, first: int) -> None:
    # an even number of layers: none of them is at the depth of the barycentre, where a slope means nothing
    angle = measured_angle(line(slope, 12, first))
    np.testing.assert_allclose(angle, [math.pi / 2 - math.atan(slope)], rtol=1e-12)


def test_a_layer_at_the_depth_of_the_barycentre_points_straight_ahead() -> None:
    weights = np.arange(9) + 0.5
    expected = math.pi / 2 - math.atan(0.5) * (1 - weights[4] / weights.sum())
    np.testing.assert_allclose(measured_angle(line(0.5, 9)), [expected], rtol=1e-12)


def test_layers_count_by_their_depth_not_by_their_energy() -> None:
    rows, energies = [20, 21, 20, 26], np.array([1.0, 5.0, 2.0, 0.5])
    cells = np.zeros((1, 5, 40, 4))
    cells[0, 2, rows, range(4)] = energies
    y, z = np.array(rows) + 0.5, np.arange(4) + 0.5
    slope = (y - np.average(y, weights=energies)) / (z - np.average(z, weights=energies))
    expected = np.average(math.pi / 2 - np.arctan(slope), weights=z)
    np.testing.assert_allclose(measured_angle(cells), [expected], rtol=1e-12)
    np.testing.assert_allclose(measured_angle(1e-6 * cells), [expected], rtol=1e-12)


def test_an_angle_does_not_depend_on_other_showers() -> None:
    cells = blobs(0)
    np.testing.assert_allclose(
        np.concatenate([measured_angle(cells[k : k + 1]) for k in range(6)]), measured_angle(cells)
    )


def test_an_empty_shower_has_the_angle_100() -> None:
    cells = np.concatenate([np.zeros((1, 5, 40, 12)), line(1.0, 12)])
    np.testing.assert_allclose(measured_angle(cells), [100.0, math.pi / 4])


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-11), (torch.float32, 1e-4)])
def test_torch_measures_what_numpy_does(dtype: torch.dtype, tolerance: float) -> None:
    cells = blobs(1)
    cells[2], cells[3, :, :, 1:] = 0.0, 0.0
    found = measured_angle(torch.tensor(cells, dtype=dtype), torch)
    assert found.dtype == dtype
    np.testing.assert_allclose(found.numpy(), measured_angle(cells), rtol=tolerance)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_gradients_are_finite_and_right(dtype: torch.dtype) -> None:
    cells = blobs(2)
    cells[0], cells[1, :, :, 1:], cells[2], cells[3, :, :, 4] = 0.0, 0.0, line(0.5, 6)[0, :, 16:24].sum(), 0.0
    x = torch.tensor(cells, dtype=dtype, requires_grad=True)
    (gradient,) = torch.autograd.grad(measured_angle(x, torch).sum(), x)
    assert torch.isfinite(gradient).all()
    assert (gradient[0] == 0).all() and (gradient[4] != 0).any()
    if dtype == torch.float64:
        for where in [(4, 1, 2, 3), (4, 6, 0, 5), (5, 3, 7, 0)]:
            up, down = cells.copy(), cells.copy()
            up[where] += 1e-6
            down[where] -= 1e-6
            slope = (measured_angle(up).sum() - measured_angle(down).sum()) / 2e-6
            assert float(gradient[where]) == pytest.approx(slope, rel=1e-4, abs=1e-8)


# Coarser grids


def by_hand(cells: NDArray[Any], factor: int) -> NDArray[Any]:
    out = np.zeros((len(cells), *(math.ceil(side / factor) for side in cells.shape[1:])), dtype=cells.dtype)
    for n, x, y, z in np.ndindex(cells.shape):
        out[n, x // factor, y // factor, z // factor] += cells[n, x, y, z]
    return out


@given(shape=SHAPES, factor=st.integers(1, 10), seed=st.integers(0, 2**32))
def test_joined_cells_hold_the_sum(shape: tuple[int, int, int, int], factor: int, seed: int) -> None:
    cells = np.random.default_rng(seed).integers(0, 1000, shape).astype(np.float64)  # whose sums are exact
    found = coarsened(cells, factor)
    np.testing.assert_array_equal(found, by_hand(cells, factor))
    assert found.shape[1:] == coarse_shape(shape[1:], factor)


def test_the_grid_of_the_studies() -> None:
    assert coarse_shape(CELLS, 1) == CELLS
    assert coarse_shape(CELLS, 3) == (17, 17, 9)
    assert coarse_shape(CELLS, 51) == (1, 1, 1)
    cells = blobs(3)
    assert coarsened(cells, 1) is cells


# The scale


@given(largest=st.floats(1e-3, 1e6), values=st.lists(st.floats(0, 1, width=32), min_size=1, max_size=20))
def test_the_scale_changes_no_bit(largest: float, values: list[float]) -> None:
    scale = shower_scale(largest)
    (end,) = scale.high
    assert math.frexp(end)[0] == 0.5 and largest <= end < 2 * largest
    natural = np.array([0.0, 1e-6, 0.1, *values], dtype=np.float32)
    natural[np.abs(natural) < 1e-25] = 0.0  # where float32 has all its bits
    x = scale.encode(natural)
    assert x.dtype == np.float32 and x[0] == 0.0
    np.testing.assert_array_equal(scale.decode(x), natural.astype(np.float64))
    np.testing.assert_array_equal(scale.encode(scale.decode(x)), x)


def test_a_power_of_two_is_its_own_end() -> None:
    assert shower_scale(128.0).high == (128.0,) and shower_scale(128.0).low == (-128.0,)
    assert shower_scale(200.0).high == (256.0,)
    assert shower_scale(1.0).high == (1.0,)

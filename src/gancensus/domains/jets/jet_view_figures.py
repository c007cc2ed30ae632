"""Jets as images: small grey ones, and the share of the pT in each pixel with axes and colour bar."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from numpy.typing import NDArray

from gancensus.contracts.samples import Samples
from gancensus.contracts.table import Columns
from gancensus.domains.jets.jet_images import pixelated
from gancensus.plotting.style import log_axis

DECADES = 4  # of pt, below the largest pixel of a grey image
SHOWN = 5  # decades below the largest pixel of a figure that colours show


def grey_images(samples: Samples, width: float, pixels: int) -> NDArray[np.uint8] | None:
    """Return jets as RGB (n, H, W, 3), the darker the more pt; None where the scale does not say that they are jets.

    Constituents fill pixels over a width in eta and phi. Pixels have the logarithm of their pt, over four decades below
    the largest of each image; below that, and 0, are white.
    """
    names = samples.scale.names if samples.scale else ()
    if names == ("pt",) and samples.x.ndim == 3:
        pt = samples.x.astype(np.float64)
    elif names == ("pt", "eta", "phi"):
        pt = pixelated(samples.natural(), pixels, width)
    else:
        return None
    largest = pt.max(axis=(1, 2), keepdims=True, initial=0)
    share = pt / np.where(largest > 0, largest, 1)
    level = np.clip(1 + np.log10(np.maximum(share, 1e-9)) / DECADES, 0, 1)
    return np.asarray(colormaps["gray_r"](level, bytes=True)[..., :3])


def shares_norm(largest: float) -> LogNorm:
    """Return the scale of colours of a figure whose largest pixel has that share of a jet's pT."""
    return LogNorm(largest / 10**SHOWN, largest)


def draw_jet(ax: Axes, pixels: Columns, norm: LogNorm) -> None:
    """Draw the pixels of one image, the columns eta, phi and value; eta to the right and phi up, empty pixels white."""
    eta, phi = np.unique(pixels["eta"]), np.unique(pixels["phi"])
    across, up = (float(at[-1] + (at[1] - at[0]) / 2) for at in (eta, phi))
    image = np.zeros((len(phi), len(eta)))
    image[np.searchsorted(phi, pixels["phi"]), np.searchsorted(eta, pixels["eta"])] = pixels["value"]
    ax.imshow(
        np.ma.masked_less_equal(image, 0),
        norm=norm,
        cmap=colormaps["viridis_r"].with_extremes(bad="white"),
        extent=(-across, across, -up, up),
        origin="lower",
        interpolation="nearest",
    )
    ax.grid(visible=False)


def draw_frame(figure: Figure, grid: NDArray[Any], norm: LogNorm) -> None:
    """Label the outer axes of a grid of jets, some of which may be invisible, and add a colour bar."""
    for line in grid:
        line[0].set_ylabel("φ (rad)")
    for column in grid.T:
        *_, lowest = (ax for ax in column if ax.get_visible())
        lowest.set_xlabel("η")
        lowest.tick_params(labelbottom=True)
    shrink = min(1.0, 2.4 / len(grid))
    of = ScalarMappable(norm, colormaps["viridis_r"])
    bar = figure.colorbar(of, ax=grid, label="share of a jet's pT in a pixel", shrink=shrink, extend="min")
    log_axis(bar.ax, float(norm.vmin or 0), float(norm.vmax or 0), "y")

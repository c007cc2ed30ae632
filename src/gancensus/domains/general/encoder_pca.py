"""Principal components."""

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from gancensus.contracts.encoder import Encoder
from gancensus.contracts.errors import UserError
from gancensus.contracts.fitting import Checkpoint, Fitted
from gancensus.contracts.samples import flatten


class Pca(Encoder):
    """Projection on the leading principal components, unscaled: distances are those of the samples without the rest.

    z = W^T (x - mean), W the leading eigenvectors of the covariance of `train` (Pearson, Phil. Mag. 2 (1901) 559).
    """

    kind: Literal["pca"] = "pca"
    components: int = Field(16, ge=1)
    """Number of components, at most the number of values in a sample."""

    @property
    def dimension(self) -> int:
        """The number of components."""
        return self.components

    def fit(self, x: NDArray[Any], seed: int, device: str, checkpoint: Checkpoint | None = None) -> Fitted:
        """Fit by a full singular value decomposition, whose signs scikit-learn fixes; no history.

        Raises UserError when more components are asked for than there are values or samples.
        """
        from sklearn.decomposition import PCA

        flat = flatten(x)
        if self.components > min(flat.shape):
            raise UserError(
                f"encoder pca: {self.components} components of {len(flat)} samples with {flat.shape[1]} values; "
                f"lower `components` to at most {min(flat.shape)}"
            )
        model = PCA(self.components, svd_solver="full").fit(flat.astype(np.float64))
        return Fitted({"mean": model.mean_, "components": model.components_}, {})

    def apply(self, weights: Mapping[str, NDArray[Any]], x: NDArray[Any], device: str) -> NDArray[Any]:
        """Return the coordinates (n, components) float32."""
        centred = flatten(x) - weights["mean"]
        z: NDArray[np.float32] = (centred @ weights["components"].T).astype(np.float32)
        return z

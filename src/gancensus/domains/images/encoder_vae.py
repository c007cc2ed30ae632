"""A convolutional variational autoencoder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from gancensus.training.networks.autoencoders import ConvolutionalAutoencoder, reconstruction_error

if TYPE_CHECKING:
    import torch
    from torch import nn


class Vae(ConvolutionalAutoencoder):
    """Convolutional variational autoencoder of images; a sample's vector is the mean of its latent Gaussian.

    Loss (1 - beta) sum_pixels (x - x')^2 + beta KL(q(z|x) || N(0, 1)): Kingma & Welling, arXiv:1312.6114; Higgins et
    al., ICLR 2017 (beta), in the weighting of Fraser et al., arXiv:2110.06948. Two blocks that each halve the image.
    """

    kind: Literal["vae"] = "vae"
    beta: float = Field(0.2, ge=0, lt=1)
    """Weight of the Kullback-Leibler term; that of the reconstruction is 1 - beta."""

    outputs = 2  # mean and log variance

    def losses(
        self, encoder: nn.Module, decoder: nn.Module, batch: torch.Tensor
    ) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        """Return the loss of a batch (n, C, H, W), and its two terms: reconstruction, divergence."""
        import torch

        mean, log_variance = encoder(batch).chunk(2, dim=1)
        z = mean + torch.exp(0.5 * log_variance) * torch.randn_like(mean)
        reconstruction = reconstruction_error(batch, decoder(z))
        divergence = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(1).mean()
        loss = (1 - self.beta) * reconstruction + self.beta * divergence
        return loss, {"reconstruction": reconstruction, "divergence": divergence}

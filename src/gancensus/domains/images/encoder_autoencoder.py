"""A convolutional autoencoder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from gancensus.training.networks.autoencoders import ConvolutionalAutoencoder, reconstruction_error

if TYPE_CHECKING:
    import torch
    from torch import nn


class Autoencoder(ConvolutionalAutoencoder):
    """Convolutional autoencoder of images; a sample's vector is its code, from which the decoder restores it.

    Loss sum_pixels (x - x')^2: Hinton & Salakhutdinov, Science 313 (2006) 504, with the networks of `vae` in the place
    of theirs, and no pretraining. Unlike that of `vae`, the code is not drawn to N(0, 1): its scale is arbitrary.
    """

    kind: Literal["autoencoder"] = "autoencoder"

    def losses(
        self, encoder: nn.Module, decoder: nn.Module, batch: torch.Tensor
    ) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        """Return the loss of a batch (n, C, H, W), twice: it is what the history keeps, too."""
        loss = reconstruction_error(batch, decoder(encoder(batch)))
        return loss, {"reconstruction": loss}

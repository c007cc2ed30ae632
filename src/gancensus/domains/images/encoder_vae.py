"""A convolutional variational autoencoder."""

from typing import Literal

from gancensus.training.networks.autoencoders import VariationalAutoencoder


class Vae(VariationalAutoencoder):
    """Convolutional variational autoencoder of images; a sample's vector is the mean of its latent Gaussian.

    Loss (1 - beta) sum_pixels (x - x')^2 + beta KL(q(z|x) || N(0, 1)): Kingma & Welling, arXiv:1312.6114; Higgins et
    al., ICLR 2017 (beta), in the weighting of Fraser et al., arXiv:2110.06948. Blocks that each halve the image.
    """

    kind: Literal["vae"] = "vae"

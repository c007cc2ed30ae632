"""A convolutional autoencoder."""

from typing import Literal

from gancensus.training.networks.autoencoders import ConvolutionalAutoencoder


class Autoencoder(ConvolutionalAutoencoder):
    """Convolutional autoencoder of images; a sample's vector is its code, from which the decoder restores it.

    Loss sum_pixels (x - x')^2: Hinton & Salakhutdinov, Science 313 (2006) 504, with the networks of `vae` in the place
    of theirs, and no pretraining. Unlike that of `vae`, the code is not drawn to N(0, 1): its scale is arbitrary.
    """

    kind: Literal["autoencoder"] = "autoencoder"

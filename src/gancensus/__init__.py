"""How many different samples can a generative model make, and is that as many as the data has?"""

__version__ = "0.1.0"

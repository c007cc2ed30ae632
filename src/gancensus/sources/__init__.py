"""Sources: where the real samples of a study come from."""

from gancensus.family import Member
from gancensus.samples import Samples


class Source(Member):
    """A source hands over all real samples of a study; the step `prepare` splits them."""

    family = "sources"

    def load(self) -> Samples:
        """Return every sample in a fixed order, scaled to [-1, 1]; sample_id counts from 0.

        Raises UserError when the data cannot be found or read.
        """
        raise NotImplementedError

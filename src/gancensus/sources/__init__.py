"""Sources: where the real samples of a study come from."""

from gancensus.family import Member
from gancensus.samples import Samples, Unread


class Source(Member):
    """A source hands over all real samples of a study; the step `prepare` splits them."""

    def load(self, seed: int) -> Samples | Unread:
        """Return every sample, scaled to [-1, 1], in the order of its sample_id, which lies in 0 ... 10^9 - 1.

        A simulation takes its random numbers from the seed; what is there already does not need it.
        What need not fit into memory is Unread: then whoever takes samples of it reads these alone.

        Raises UserError when the data cannot be found or read.
        """
        raise NotImplementedError

"""The moving average of a network's weights."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn


class Average(nn.Module):
    """A network whose weights are the exponential moving average of those of another, which is trained.

    After the first `start` steps, average = decay * average + (1 - decay) * weights with each step; until then it is
    the other network as it is. So do its buffers of floating point; others, such as counts, are those of the last step.
    """

    steps: torch.Tensor

    def __init__(self, network: nn.Module, decay: float, start: int) -> None:
        """Make a network the average; it learns nothing by itself."""
        super().__init__()
        self.network = network.eval().requires_grad_(False)
        self.decay, self.start = decay, start
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64))

    @torch.no_grad()
    def update(self, state: Mapping[str, torch.Tensor]) -> int:
        """Take the state of the other network after a step; return the number of steps."""
        steps = int(self.steps.item()) + 1
        self.steps.fill_(steps)
        for name, average in self.network.state_dict().items():
            if steps > self.start and average.is_floating_point():
                average.lerp_(state[name], 1 - self.decay)
            else:
                average.copy_(state[name])
        return steps

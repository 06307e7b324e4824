# SPDX-License-Identifier: Apache-2.0
"""Memory layout of weights."""

import torch
from torch import nn

_FORMATS = {4: torch.channels_last, 5: torch.channels_last_3d}


def lay_out_channels_last(module: nn.Module) -> None:
    """Store the kernels of all convolutions channels-last, in place; values stay.

    ``Module.to(memory_format=...)`` cannot do it where a module has convolutions in
    two and in three dimensions.

    Args:
        module: Module to change.
    """
    for parameter in module.parameters():
        memory_format = _FORMATS.get(parameter.dim())
        if memory_format is not None:
            parameter.data = parameter.data.contiguous(memory_format=memory_format)

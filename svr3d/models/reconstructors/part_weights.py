# SPDX-License-Identifier: Apache-2.0
"""Parts of a model that start from another run's weights."""

from collections.abc import Mapping

from torch import nn

from svr3d.errors import CheckpointError, ConfigError
from svr3d.models.backbones.pretrained import load_tensors, read_pretrained


def load_part_weights(model: nn.Module, part_weights: Mapping[str, str]) -> None:
    """Load parts of a model from checkpoints of this package.

    Args:
        model: Changed in place.
        part_weights: Name of a part, such as 'head' -> checkpoint whose part of that
            name gives its weights and statistics; what else it holds is left out.

    Raises:
        CheckpointError: If a file cannot be read, or a tensor is missing or of another
            shape.
        ConfigError: If the model has no such part.
    """
    for name, path in part_weights.items():
        part = getattr(model, name, None)
        if not isinstance(part, nn.Module):
            raise ConfigError(f"part_weights: the model has no part {name!r}")
        content = read_pretrained(path, what=f"a model's {name!r}")
        state = content.get("state_dict", content)
        if not isinstance(state, Mapping):
            raise CheckpointError(f"{path}: expected a state_dict with tensors by name")
        load_tensors(part, state, source=path, prefix=f"{name}.")

# SPDX-License-Identifier: Apache-2.0
"""Layers whose width is that of the training data."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from svr3d.errors import ConfigError


class DataWidth(nn.Module, ABC):
    """A part with as many outputs or inputs as the data set has view classes.

    With ``num_classes=None`` it has no such layer until :meth:`settle` makes it: of the
    training data, before optimisers are built, or of the weights that are loaded.

    Attributes:
        num_classes: Number of view classes; None as long as it is not known.
    """

    num_classes: int | None

    def __init__(self, num_classes: int | None):
        """Note the number.

        Args:
            num_classes: Number of view classes; None leaves it to the data.

        Raises:
            ValueError: If it is less than 2.
        """
        super().__init__()
        self.num_classes = None
        self._check(num_classes)

    def settle(self, num_classes: int) -> None:
        """Make the layer, on the device of the other ones.

        Args:
            num_classes: Number of view classes.

        Raises:
            ValueError: If it is less than 2, or settled already.
        """
        self._check(num_classes)
        if self.num_classes is not None:
            raise ValueError(
                f"{type(self).__name__}: expected to be settled once, found "
                f"{self.num_classes} classes before {num_classes}"
            )
        self.num_classes = num_classes
        self.make_layer(num_classes)
        device = next(self.parameters()).device
        self.to(device)

    @abstractmethod
    def make_layer(self, num_classes: int) -> None:
        """Make the layer whose width is that of the data."""

    @abstractmethod
    def classes_of(self, state: Mapping[str, Tensor]) -> int | None:
        """Return the number of classes that a state dict of this part has.

        Args:
            state: Tensors by their names in this part.

        Returns:
            None if the tensors are of something else.
        """

    def require_settled(self) -> None:
        """Raise unless the width is known.

        Raises:
            ConfigError: If it is not.
        """
        if self.num_classes is None:
            raise ConfigError(
                f"{type(self).__name__}.num_classes: expected a number, or training "
                "data or a checkpoint that tells it, found None"
            )

    def _check(self, num_classes: int | None) -> None:
        if num_classes is not None and num_classes < 2:
            raise ValueError(
                f"{type(self).__name__}.num_classes: expected at least 2, found "
                f"{num_classes}"
            )


def open_widths(model: nn.Module) -> dict[str, DataWidth]:
    """Return the parts of a model that wait for their width, by name."""
    return {
        name: part
        for name, part in model.named_modules()
        if isinstance(part, DataWidth) and part.num_classes is None
    }


def settle_by_data(model: nn.Module, dataset: Any) -> None:
    """Give all parts that wait for it the width of a data set.

    Args:
        model: Changed in place.
        dataset: Training data that says ``num_view_classes``.

    Raises:
        ConfigError: If it does not.
    """
    parts = open_widths(model)
    classes = getattr(dataset, "num_view_classes", None)
    if parts and classes is None:
        raise ConfigError(
            f"{', '.join(parts)}: expected num_classes in the config or training data "
            f"that says num_view_classes, found a {type(dataset).__name__} without"
        )
    for part in parts.values():
        part.settle(int(classes))


def settle_by_state(model: nn.Module, state: Mapping[str, Tensor]) -> None:
    """Give all parts that wait for it the width that a state dict has.

    Those that the state dict knows nothing of go on waiting.

    Args:
        model: Changed in place.
        state: Names to tensors.
    """
    for name, part in open_widths(model).items():
        prefix = f"{name}." if name else ""
        own = {
            key.removeprefix(prefix): value
            for key, value in state.items()
            if key.startswith(prefix)
        }
        classes = part.classes_of(own)
        if classes is not None:
            part.settle(classes)

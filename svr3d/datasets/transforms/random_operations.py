# SPDX-License-Identifier: Apache-2.0
"""A few operations on pictures, drawn from a list."""

from collections.abc import Sequence

import numpy as np
from mmengine.registry import TRANSFORMS

from svr3d.errors import ConfigError

from .base import BaseTransform, Sample
from .image_operations import MAX_MAGNITUDE, OPERATIONS, apply_operation, has_sign


@TRANSFORMS.register_module()
class RandomOperations(BaseTransform):
    """Apply distinct operations, drawn anew for each view, each with a probability.

    Draws (Python), per view: which operations, then for each of them a uniform number
    that applies it below ``probability``, and the direction of those that have one.
    Source: the augmentation ``Seq`` of YefanZhou/dispersion-score, and with
    ``black_background`` its ``SeqBlackBG``.

    Args:
        operations: Names to draw from, see ``image_operations``.
        num_operations: How many are drawn.
        probability: Of each that is drawn.
        magnitude: Step of its range, 0 to 9.
        black_background: Make pixels black again where alpha is 0.

    Raises:
        ConfigError: If an option has an impossible value.
    """

    def __init__(
        self,
        operations: Sequence[str] = ("autocontrast", "equalize", "invert"),
        num_operations: int = 1,
        *,
        probability: float = 0.5,
        magnitude: int = 0,
        black_background: bool = False,
    ):
        for name in operations:
            check_operation(name, probability, magnitude, "RandomOperations")
        if not 1 <= num_operations <= len(operations):
            raise ConfigError(
                f"RandomOperations: expected 1 to {len(operations)} operations of "
                f"{tuple(operations)}, found num_operations={num_operations}"
            )
        self.operations = tuple(operations)
        self.num_operations = num_operations
        self.probability = probability
        self.magnitude = magnitude
        self.black_background = black_background

    def transform(self, sample: Sample) -> Sample:
        """Change every view."""
        draws = sample["rng"].python
        images = sample["images"].copy()
        if self.black_background and images.shape[-1] != 4:
            raise ValueError(
                "RandomOperations: black_background needs images with alpha, found "
                f"{images.shape[-1]} channels"
            )
        for view in images:
            for name in draws.sample(self.operations, self.num_operations):
                if draws.random() < self.probability:
                    sign = draws.choice((1, -1)) if has_sign(name) else 1
                    view[:] = apply_operation(
                        view, name, magnitude=self.magnitude, sign=sign
                    )
            if self.black_background:
                view[..., :3] *= (view[..., 3:] > 0).astype(np.float32)
        return sample | {"images": images}


def check_operation(name: str, probability: float, magnitude: int, owner: str) -> None:
    """Check an operation of a list.

    Raises:
        ConfigError: If there is no such operation, or a number is out of range.
    """
    if name not in OPERATIONS:
        raise ConfigError(
            f"{owner}: expected one of {', '.join(OPERATIONS)}, found {name!r}"
        )
    if not 0 <= probability <= 1 or magnitude not in range(MAX_MAGNITUDE + 1):
        raise ConfigError(
            f"{owner}: {name}: expected a probability of 0 to 1 and a magnitude of 0 "
            f"to {MAX_MAGNITUDE}, found {probability} and {magnitude}"
        )

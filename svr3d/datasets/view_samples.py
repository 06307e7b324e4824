# SPDX-License-Identifier: Apache-2.0
"""Samples that are single views of objects, and how many views each object gives."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from svr3d.errors import ConfigError, DataError

from .rng import stable_seed

VIEW_CHOICES = ("drawn", "first")


class ViewKey(NamedTuple):
    """Which view of which object a sample shows; a ``SampleKey`` with a view.

    Attributes:
        taxonomy_id: Name of the category in files.
        model: Name of the object inside the category.
        category: Position of the category in ``metainfo['categories']``.
        row: Position of the object in the files of its category and split.
        view: Number of the view.
        alone: Whether this is the only view of the object, which then gives the sample
            its name.
    """

    taxonomy_id: str
    model: str
    category: int
    row: int
    view: int
    alone: bool

    @property
    def sample_id(self) -> str:
        """``<category>/<model>``, with ``_<view>`` where an object gives several."""
        end = "" if self.alone else f"_{self.view:02d}"
        return f"{self.taxonomy_id}/{self.model}{end}"


@dataclass(frozen=True)
class ObjectViews:
    """Which views of an object are samples, the same ones in every epoch.

    Attributes:
        count: Views of each object; None takes all.
        choice: ``drawn`` draws them by seed and name of the object, whatever other
            objects there are; ``first`` takes views 0 to ``count - 1``.
        seed: Of the draws.

    Raises:
        ConfigError: If a value is impossible.
    """

    count: int | None = None
    choice: str = "drawn"
    seed: int = 0

    def __post_init__(self):
        if self.count is not None and self.count < 1:
            raise ConfigError(
                f"views_per_object must be positive or None, found {self.count}"
            )
        if self.choice not in VIEW_CHOICES:
            raise ConfigError(
                f"view_choice must be one of {VIEW_CHOICES}, found {self.choice!r}"
            )

    def of(self, sample_id: str, available: int) -> list[int]:
        """Return the sorted views of one object.

        Args:
            sample_id: ``<category>/<model>``.
            available: Views that the object has.

        Raises:
            DataError: If it has fewer than wanted.
        """
        if self.count is None:
            return list(range(available))
        if available < self.count:
            raise DataError(
                f"{sample_id}: expected at least {self.count} views, found {available}"
            )
        if self.choice == "first":
            return list(range(self.count))
        rng = np.random.RandomState(stable_seed(self.seed, "object views", sample_id))
        return sorted(rng.choice(available, self.count, replace=False).tolist())

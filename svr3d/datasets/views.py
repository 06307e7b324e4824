# SPDX-License-Identifier: Apache-2.0
"""Which views of an object a sample holds, and reading them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from svr3d.errors import ConfigError, DataError
from svr3d.io.images import read_image

from .rng import SampleRandom

VIEW_SELECTIONS = ("random", "first", "fixed")


@dataclass(frozen=True)
class ViewSelection:
    """A rule that chooses views of an object.

    Attributes:
        num_views: Views per sample, V.
        rule: ``random`` draws distinct views for every sample, ``first`` takes views 0
            to V - 1, ``fixed`` takes ``view_ids``.
        view_ids: The views of ``fixed``, at least ``num_views``.

    Raises:
        ConfigError: If the rule is unknown, or the numbers do not fit it.
    """

    num_views: int = 1
    rule: str = "first"
    view_ids: Sequence[int] | None = None

    def __post_init__(self):
        if self.rule not in VIEW_SELECTIONS:
            raise ConfigError(
                f"view_selection must be one of {VIEW_SELECTIONS}, found {self.rule!r}"
            )
        if (self.rule == "fixed") != (self.view_ids is not None):
            raise ConfigError(
                "view_ids belong to view_selection='fixed', found "
                f"{self.view_ids} with {self.rule!r}"
            )
        if self.num_views < 1 or (
            self.view_ids is not None and len(self.view_ids) < self.num_views
        ):
            raise ConfigError(
                f"num_views must be positive and at most len(view_ids), found "
                f"{self.num_views} with {self.view_ids}"
            )

    def candidates(
        self, count: int, folder: str, num_views: int | None = None
    ) -> Sequence[int]:
        """Return the views of an object that a sample may or does hold.

        Args:
            count: Views that the object has.
            folder: What error messages call the object.
            num_views: Views of this sample, where a sampler draws their number.

        Raises:
            DataError: If the object has fewer views than needed.
        """
        num_views = self.num_views if num_views is None else num_views
        needed = num_views
        if self.rule == "fixed":
            views = self.view_ids[:num_views]
            if len(views) < num_views:
                raise DataError(
                    f"{folder}: expected {num_views} view_ids, found {self.view_ids}"
                )
            needed = max(views) + 1
        else:
            views = range(count if self.rule == "random" else num_views)
        if count < needed:
            raise DataError(
                f"{folder}: expected at least {needed} views, found {count}"
            )
        return views

    def choose(
        self,
        count: int,
        folder: str,
        rng: SampleRandom,
        num_views: int | None = None,
    ) -> list[int]:
        """Return the views of one sample; ``random`` draws them (Python).

        Args:
            count: Views that the object has.
            folder: What error messages call the object.
            rng: Source of the draws.
            num_views: Views of this sample, where a sampler draws their number.

        Raises:
            DataError: If the object has fewer views than needed.
        """
        views = self.candidates(count, folder, num_views)
        if self.rule != "random":
            return list(views)
        return rng.python.sample(
            views, self.num_views if num_views is None else num_views
        )


def check_one_view(num_views: int | None, owner: str) -> None:
    """Check that a sampler wants no more than the one view that samples have.

    Args:
        num_views: What the sampler asks for, or None.
        owner: What the error calls the data set.

    Raises:
        ConfigError: If it wants several.
    """
    if num_views not in (None, 1):
        raise ConfigError(
            f"{owner}: a sample has one view, found a sampler that wants {num_views}"
        )


def read_views(paths: Sequence[str], folder: str) -> np.ndarray:
    """Return views (V, H, W, 3 or 4) float32, BGR or BGRA in [0, 1].

    Args:
        paths: The image files.
        folder: What error messages call them.

    Raises:
        DataError: If a file is broken, or sizes or channels differ.
    """
    return stack_views([read_image(path) for path in paths], folder)


def stack_views(pixels: Sequence[np.ndarray], source: str) -> np.ndarray:
    """Return 8-bit views (H, W, C) as one array (V, H, W, C) float32 in [0, 1].

    Args:
        pixels: The views.
        source: What error messages call them.

    Raises:
        DataError: If sizes or channels differ.
    """
    shapes = {image.shape for image in pixels}
    if len(shapes) != 1:
        raise DataError(f"{source}: expected views of one size, found {sorted(shapes)}")
    images = np.empty((len(pixels), *pixels[0].shape), np.float32)
    for view, result in zip(pixels, images, strict=True):
        np.divide(view, np.float32(255), out=result)
    return images

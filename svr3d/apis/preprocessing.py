# SPDX-License-Identifier: Apache-2.0
"""The test pipeline of a config, applied to images from users."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from svr3d.datasets.base import BaseShapeDataset
from svr3d.datasets.rng import SampleRandom
from svr3d.errors import ConfigError, DataError
from svr3d.registry import DATASETS

from .input_images import ImageInput, frame_object, load_rgba

if TYPE_CHECKING:
    from mmengine.config import Config


class ImagePipeline:
    """Brings images into the form in which a data set hands its renderings to a model.

    Images get alpha, are framed as the renderings are unless they have their size, and
    pass the steps of the test pipeline. Steps that a config draws at random are drawn
    with a fixed seed.
    """

    def __init__(
        self, steps: Sequence[Any], *, layout: type[BaseShapeDataset] = BaseShapeDataset
    ):
        """Build the steps.

        Args:
            steps: The pipeline of a data set: config dicts or callables.
            layout: The data set, which says how its renderings look.
        """
        from svr3d.datasets.transforms import Pipeline

        self.pipeline = Pipeline(steps)
        self.layout = layout

    @classmethod
    def from_config(cls, config: Config, *, source: str) -> ImagePipeline:
        """Take the pipeline of the config's test data set.

        Args:
            config: Of a run; the validation's pipeline serves where there is no test.
            source: What error messages call the config.

        Raises:
            ConfigError: There is no pipeline.
        """
        from mmengine.registry import DefaultScope

        for name in ("test_dataloader", "val_dataloader"):
            dataset = (config.get(name) or {}).get("dataset")
            while dataset is not None and "pipeline" not in dataset:
                dataset = dataset.get("dataset")  # A wrapper around another data set.
            if dataset is not None:
                with DefaultScope.overwrite_default_scope("svr3d"):
                    kind = dataset["type"]
                    kind = DATASETS.get(kind) if isinstance(kind, str) else kind
                    known = isinstance(kind, type) and issubclass(
                        kind, BaseShapeDataset
                    )
                    layout = kind if known else BaseShapeDataset
                    return cls(dataset["pipeline"], layout=layout)
        raise ConfigError(
            f"{source}: expected test_dataloader.dataset.pipeline, found none"
        )

    def __call__(self, views: Sequence[ImageInput]) -> torch.Tensor:
        """Prepare the views of one object; :meth:`inputs` without the masks."""
        return self.inputs(views)["images"]

    def inputs(self, views: Sequence[ImageInput]) -> dict[str, torch.Tensor]:
        """Prepare the views of one object and, where the pipeline has them, the masks.

        Args:
            views: At least one image.

        Returns:
            ``images`` (V, 3, H, W) float32, RGB, not normalised; ``masks`` (V, 1, H, W)
            or (V, H, W) of pipelines that make them of alpha.

        Raises:
            DataError: An image cannot be used; the message names it.
        """
        if len(views) == 0:
            raise DataError("expected at least one image of the object, found none")
        renderings = [self._rendering(view, index) for index, view in enumerate(views)]
        sample = {
            **self.layout.adopt_pictures(np.stack(renderings)),
            "view_ids": np.arange(len(views)),
            # Of no meaning here; the last step asks for what training samples have.
            "voxels": np.zeros((1, 1, 1), np.uint8),
            "category": 0,
            "sample_id": "",
            "rng": SampleRandom(0),
        }
        packed = self.pipeline(sample)
        return {key: packed[key] for key in ("images", "masks") if key in packed}

    def _rendering(self, view: ImageInput, index: int) -> np.ndarray:
        named = isinstance(view, str | PathLike)
        rgba = load_rgba(view, source=None if named else f"image {index}")
        size = self.layout.picture_size
        if rgba.shape[:2] != (size, size):
            rgba = frame_object(rgba, size, self.layout.picture_share)
        return rgba[:, :, [2, 1, 0, 3]].astype(np.float32) / 255

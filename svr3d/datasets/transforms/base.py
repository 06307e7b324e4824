# SPDX-License-Identifier: Apache-2.0
"""What the transforms of one sample share."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from mmengine.registry import TRANSFORMS

Sample = dict[str, Any]


class BaseTransform(ABC):
    """A step of the pipeline: takes a sample, returns it changed.

    Inside the pipeline a sample holds ``images`` (V, H, W, 3 or 4) float32, BGR or
    BGRA in [0, 1], and may hold ``masks`` (V, H, W) float32, ``boxes`` (V, 4) float64
    as fractions (left, top, right, bottom), ``intrinsics`` (V, 3, 3) and ``extrinsics``
    (V, 3, 4) tensors. A transform that moves pixels moves masks, boxes and intrinsics
    alike. Random draws come from ``sample['rng']``, a ``SampleRandom``, and from
    nothing else.
    """

    @abstractmethod
    def transform(self, sample: Sample) -> Sample:
        """Return the changed sample; its arrays are replaced, never written to."""

    def __call__(self, sample: Sample) -> Sample:
        """Return the changed sample."""
        return self.transform(sample)


class Pipeline:
    """Transforms one after the other.

    Args:
        steps: Config dicts of registered transforms, or callables.
    """

    def __init__(self, steps: Iterable[Mapping[str, Any] | Callable] = ()):
        self.steps = [
            TRANSFORMS.build(step) if isinstance(step, Mapping) else step
            for step in steps
        ]

    def __call__(self, sample: Sample) -> Sample:
        """Return the sample after all steps."""
        for step in self.steps:
            sample = step(sample)
        return sample

# SPDX-License-Identifier: Apache-2.0
"""Random lighting along the principal colours of natural images."""

import numpy as np
from mmengine.registry import TRANSFORMS

from .base import BaseTransform, Sample

_EIGENVALUES = np.array([0.2175, 0.0188, 0.0045])
_EIGENVECTORS = np.array(
    [
        [-0.5675, 0.7192, 0.4009],
        [-0.5808, -0.0045, -0.8140],
        [-0.5836, -0.6948, 0.4203],
    ]
)


@TRANSFORMS.register_module()
class RandomNoise(BaseTransform):
    """Add one random colour to all pixels: the PCA lighting noise of AlexNet.

    The colour (R, G, B) is ``vectors (alpha * values)`` with ``alpha ~ N(0, std)`` and
    the principal components of ImageNet's colours. Draws (numpy): three normal numbers
    per sample. Source: hzxie/Pix2Vox ``utils/data_transforms.py``.

    Args:
        std: Standard deviation of the three coefficients.
    """

    def __init__(self, std: float = 0.1):
        self.std = std

    def transform(self, sample: Sample) -> Sample:
        """Add the colour to every view."""
        alpha = sample["rng"].numpy.normal(loc=0, scale=self.std, size=3)
        color = _EIGENVECTORS @ (alpha * _EIGENVALUES)
        images = sample["images"]
        # A whole row of the colour: numpy is slow on inner loops of three numbers.
        row = np.tile(color[::-1].astype(np.float32), images.shape[2])
        lit = images.reshape(*images.shape[:2], -1) + row
        return sample | {"images": lit.reshape(images.shape)}

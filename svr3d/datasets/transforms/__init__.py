# SPDX-License-Identifier: Apache-2.0
"""Transforms of one sample."""

from .augment_points import AugmentPoints
from .auto_augment import AutoAugment
from .base import BaseTransform, Pipeline
from .center_crop import CenterCrop
from .color_jitter import ColorJitter
from .divide_by_maximum import DivideByMaximum
from .drop_alpha import DropAlpha
from .normalize import Normalize
from .pack_views import PackViews
from .r2n2_preprocess import R2N2Preprocess
from .random_affine import RandomAffine
from .random_background import RandomBackground
from .random_color_offset import RandomColorOffset
from .random_crop import RandomCrop
from .random_flip import RandomFlip
from .random_mirror import RandomMirror
from .random_noise import RandomNoise
from .random_operations import RandomOperations
from .random_permute_rgb import RandomPermuteRGB
from .random_resized_crop import RandomResizedCrop
from .random_window import RandomWindow
from .resize import Resize

__all__ = [
    "AugmentPoints",
    "AutoAugment",
    "BaseTransform",
    "CenterCrop",
    "ColorJitter",
    "DivideByMaximum",
    "DropAlpha",
    "Normalize",
    "PackViews",
    "Pipeline",
    "R2N2Preprocess",
    "RandomAffine",
    "RandomBackground",
    "RandomColorOffset",
    "RandomCrop",
    "RandomFlip",
    "RandomMirror",
    "RandomNoise",
    "RandomOperations",
    "RandomPermuteRGB",
    "RandomResizedCrop",
    "RandomWindow",
    "Resize",
]

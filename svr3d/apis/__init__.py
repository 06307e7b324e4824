# SPDX-License-Identifier: Apache-2.0
"""A trained model as one object: images in, shapes out."""

from .reconstructor import Reconstruction, Reconstructor, find_objects

__all__ = ["Reconstruction", "Reconstructor", "find_objects"]

# SPDX-License-Identifier: Apache-2.0
"""The model's own normalisation of a batch."""

from svr3d.models.data_preprocessors.image_preprocessor import ImagePreprocessor

__all__ = ["ImagePreprocessor"]

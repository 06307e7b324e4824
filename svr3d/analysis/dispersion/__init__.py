# SPDX-License-Identifier: Apache-2.0
"""The Dispersion Score of images, shapes and predictions."""

from .k_medoids import Clustering, k_medoids
from .score import DispersionScore, dispersion_score

__all__ = ["Clustering", "DispersionScore", "dispersion_score", "k_medoids"]

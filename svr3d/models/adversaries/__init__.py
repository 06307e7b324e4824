# SPDX-License-Identifier: Apache-2.0
"""Networks that reconstructors are trained against."""

from svr3d.models.adversaries.base import Adversary
from svr3d.models.adversaries.dcgan_discriminator import DCGANDiscriminator
from svr3d.models.adversaries.view_classifier import ViewClassifier
from svr3d.models.adversaries.view_confusion import ViewConfusion
from svr3d.models.adversaries.view_prior_adversary import ViewPriorAdversary
from svr3d.models.adversaries.view_reversal import ViewReversal

__all__ = [
    "Adversary",
    "DCGANDiscriminator",
    "ViewClassifier",
    "ViewConfusion",
    "ViewPriorAdversary",
    "ViewReversal",
]

# SPDX-License-Identifier: Apache-2.0
"""One pair of operations out of a list of pairs: AutoAugment."""

from collections.abc import Sequence

from mmengine.registry import TRANSFORMS

from svr3d.errors import ConfigError

from .base import BaseTransform, Sample
from .image_operations import apply_operation, has_sign
from .random_operations import check_operation


@TRANSFORMS.register_module()
class AutoAugment(BaseTransform):
    """Apply one policy of a list to each view.

    A policy is a list of (operation, probability, magnitude). Which lists are good for
    which pictures was searched for by Cubuk et al., "AutoAugment", CVPR 2019; the
    dispersion study takes those of ImageNet, CIFAR-10 and SVHN without the policies
    that move pixels, since those would move the image away from its target. Draws
    (Python), per view: the policy, then for each of its operations a uniform number
    that applies it below its probability, and the direction of those that have one.

    Args:
        policies: The list.

    Raises:
        ConfigError: If a policy names what is no operation, or a number is out of
            range.
    """

    def __init__(self, policies: Sequence[Sequence[tuple[str, float, int]]]):
        if not policies:
            raise ConfigError("AutoAugment: expected at least one policy, found none")
        for policy in policies:
            for step in policy:
                if len(step) != 3:
                    raise ConfigError(
                        "AutoAugment: expected (operation, probability, magnitude), "
                        f"found {step}"
                    )
                check_operation(*step, "AutoAugment")
        self.policies = [tuple(map(tuple, policy)) for policy in policies]

    def transform(self, sample: Sample) -> Sample:
        """Change every view."""
        draws = sample["rng"].python
        images = sample["images"].copy()
        for view in images:
            for name, probability, magnitude in draws.choice(self.policies):
                if draws.random() < probability:
                    sign = draws.choice((1, -1)) if has_sign(name) else 1
                    view[:] = apply_operation(
                        view, name, magnitude=magnitude, sign=sign
                    )
        return sample | {"images": images}

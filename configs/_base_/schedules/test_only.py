# SPDX-License-Identifier: Apache-2.0
"""No training: for data sets that only test."""

from mmengine.runner import TestLoop

test_cfg = dict(type=TestLoop)

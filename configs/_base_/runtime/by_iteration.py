# SPDX-License-Identifier: Apache-2.0
"""The shared runtime for runs that count iterations."""

from mmengine.config import read_base

with read_base():
    from .default import *

default_hooks.merge(
    dict(
        logger=dict(interval=40),
        checkpoint=dict(interval=2000, by_epoch=False),
    )
)
log_processor.merge(dict(by_epoch=False))

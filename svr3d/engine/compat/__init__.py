# SPDX-License-Identifier: Apache-2.0
"""Every remedy for mmengine 0.10.7 on torch 2.6 and later, each to be removed once
upstream has it; ``tests/engine/test_compat.py`` tells when.

=====================================  =============================================
what breaks                            remedy
=====================================  =============================================
resuming: checkpoints hold objects     ``builtins``: tensors and builtins only
CPU processes: CUDA is touched         ``processes.start_processes`` and
                                       ``svr3d.engine.distributed``
AmpOptimWrapper refuses CPUs           ``amp.CPUAmpOptimWrapper``
batches arrive as lists                ``loaders.complete_loader``: default_collate
iteration loops load what they skip    ``svr3d.engine.loops`` and ``samplers``
lazy configs fail without a message    ``svr3d.engine.config.load_config``
noise at each start                    ``noise.quiet_start``
=====================================  =============================================
"""

from svr3d.engine.compat.amp import CPUAmpOptimWrapper
from svr3d.engine.compat.builtins import (
    plain_message_hub,
    rebuild_message_hub,
    to_builtins,
)
from svr3d.engine.compat.loaders import complete_loader, init_worker
from svr3d.engine.compat.noise import quiet_start
from svr3d.engine.compat.processes import (
    LAUNCHERS,
    finish_processes,
    start_processes,
)

__all__ = [
    "LAUNCHERS",
    "CPUAmpOptimWrapper",
    "complete_loader",
    "finish_processes",
    "init_worker",
    "plain_message_hub",
    "quiet_start",
    "rebuild_message_hub",
    "start_processes",
    "to_builtins",
]

# SPDX-License-Identifier: Apache-2.0
"""Hooks, logs, checkpoints and seeds that all runs share."""

from mmengine.hooks import (
    DistSamplerSeedHook,
    IterTimerHook,
    LoggerHook,
    ParamSchedulerHook,
    RuntimeInfoHook,
)
from mmengine.runner import LogProcessor
from mmengine.visualization import LocalVisBackend, TensorboardVisBackend, Visualizer

from svr3d.engine.hooks.checkpoint_hook import AtomicCheckpointHook
from svr3d.engine.hooks.results_hook import ResultsHook
from svr3d.engine.hooks.visualization_hook import VisualizationHook

default_scope = "svr3d"

default_hooks = dict(
    runtime_info=dict(type=RuntimeInfoHook),
    timer=dict(type=IterTimerHook),
    sampler_seed=dict(type=DistSamplerSeedHook),
    logger=dict(type=LoggerHook, interval=10),
    param_scheduler=dict(type=ParamSchedulerHook),
    checkpoint=dict(
        type=AtomicCheckpointHook,
        interval=1,
        max_keep_ckpts=2,
        save_best="voxel/iou_max",
    ),
    results=dict(type=ResultsHook),
    visualization=dict(type=VisualizationHook),
)

# TensorBoard is left out where it is not installed.
visualizer = dict(
    type=Visualizer,
    vis_backends=[dict(type=LocalVisBackend), dict(type=TensorboardVisBackend)],
)

log_processor = dict(type=LogProcessor, window_size=20, by_epoch=True)
log_level = "INFO"

env_cfg = dict(
    cudnn_benchmark=False,
    mp_cfg=dict(mp_start_method="fork", opencv_num_threads=0),
    dist_cfg=dict(backend="nccl"),
)

randomness = dict(seed=0, deterministic=False)
load_from = None
resume = False

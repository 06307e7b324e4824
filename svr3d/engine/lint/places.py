# SPDX-License-Identifier: Apache-2.0
"""What stands at which place of a config: the registry, and what a part is given.

mmengine's runner builds the parts at its own keys and fills some of their arguments
in. Elsewhere the key's last name tells: ``backbone`` holds a backbone wherever it
stands. At any other place a ``type`` may be a part of any registry.
"""

import dataclasses
from typing import Any


@dataclasses.dataclass(frozen=True)
class Place:
    """A place in a config that holds a part."""

    registry: str
    """Variable name of the registry, such as ``BACKBONES``."""

    also: tuple[str, ...] = ()
    """Further registries whose parts may stand here."""

    filled: frozenset[str] = frozenset()
    """Arguments that whoever builds the part passes to it."""

    consumed: frozenset[str] = frozenset()
    """Keys that the builder takes out before it calls the part."""

    default: str | None = None
    """Dotted path of the class that is built where no ``type`` is given."""

    many: str = ""
    """``items``: a list, or a dict of parts by name, may stand here."""


def _place(registry: str, **values: Any) -> Place:
    for key in ("filled", "consumed"):
        values[key] = frozenset(values.get(key, ()))
    return Place(registry, **values)


_LOOP = {"filled": ("runner", "dataloader", "evaluator")}

# Places that hold only at the top level of a config.
_TOP = {
    "train_cfg": _place("LOOPS", **_LOOP),
    "val_cfg": _place("LOOPS", default="mmengine.runner.ValLoop", **_LOOP),
    "test_cfg": _place("LOOPS", default="mmengine.runner.TestLoop", **_LOOP),
    "default_hooks": _place("HOOKS", consumed=("priority",), many="items"),
    "custom_hooks": _place("HOOKS", consumed=("priority",), many="items"),
    "val_evaluator": _place(
        "METRICS", also=("EVALUATOR",), filled=("metrics", "protocol"), many="items"
    ),
    "test_evaluator": _place(
        "METRICS", also=("EVALUATOR",), filled=("metrics", "protocol"), many="items"
    ),
    "optim_wrapper": _place(
        "OPTIM_WRAPPERS",
        filled=("optimizer",),
        consumed=("constructor", "paramwise_cfg"),
        default="mmengine.optim.OptimWrapper",
    ),
    "param_scheduler": _place(
        "PARAM_SCHEDULERS",
        filled=("optimizer",),
        consumed=("convert_to_iter_based",),
        many="items",
    ),
    "log_processor": _place("LOG_PROCESSORS", default="mmengine.runner.LogProcessor"),
    "visualizer": _place("VISUALIZERS", filled=("name", "save_dir")),
    "model_wrapper_cfg": _place("MODEL_WRAPPERS", filled=("module",)),
}

# Arguments of one optimiser's wrapper that are dicts.
_OF_WRAPPER = ("optimizer", "clip_grad", "paramwise_cfg")

# Places that the last name of a key tells, at any depth.
_ANYWHERE = {
    "model": _place("MODELS"),
    "backbone": _place("BACKBONES"),
    "head": _place("HEADS"),
    "trunk": _place("BACKBONES"),
    "fusion": _place("MODELS"),
    "refiner": _place("MODELS"),
    "decoder": _place("MODELS"),
    "latent": _place("MODELS"),
    "data_preprocessor": _place("MODELS"),
    "losses": _place("LOSSES", many="items"),
    "refiner_losses": _place("LOSSES", many="items"),
    "dataset": _place("DATASETS"),
    "datasets": _place("DATASETS", many="items"),
    "pipeline": _place("TRANSFORMS", many="items"),
    "transforms": _place("TRANSFORMS", many="items"),
    "sampler": _place("DATA_SAMPLERS", filled=("dataset", "seed")),
    "batch_sampler": _place("DATA_SAMPLERS", filled=("sampler", "batch_size")),
    "collate_fn": _place("FUNCTIONS"),
    "optimizer": _place("OPTIMIZERS", filled=("params",)),
    "metrics": _place("METRICS", filled=("protocol",), many="items"),
    "vis_backends": _place("VISBACKENDS", filled=("save_dir",), many="items"),
}


def place_of(path: tuple[str, ...]) -> Place | None:
    """Return what a config path holds, or None if its name does not tell."""
    if len(path) == 1 and path[0] in _TOP:
        return _TOP[path[0]]
    if len(path) == 2 and path[0] == "optim_wrapper" and path[1] not in _OF_WRAPPER:
        return _TOP["optim_wrapper"]  # that of a part of the model, by its name
    return _ANYWHERE.get(path[-1]) if path else None

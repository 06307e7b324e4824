# SPDX-License-Identifier: Apache-2.0
"""Several optimisers, each of one part of the model."""

from collections.abc import Mapping
from typing import Any

from mmengine.model import is_model_wrapper
from mmengine.optim import OptimWrapper, build_optim_wrapper
from mmengine.registry import OPTIM_WRAPPER_CONSTRUCTORS
from torch import nn

from svr3d.engine.distributed import SharedBatchDataParallel
from svr3d.engine.part_wrappers import PartOptimWrappers
from svr3d.errors import ConfigError


@OPTIM_WRAPPER_CONSTRUCTORS.register_module()
class PartOptimizers:
    """Builds an optimiser for each part that a config names.

    ::

        optim_wrapper = dict(
            constructor=PartOptimizers,
            shape=dict(optimizer=dict(type=Adam, lr=5e-4)),
            pose=dict(optimizer=dict(type=Adam, lr=5e-4)),
        )

    The model's ``part_losses`` tell what each follows. Learning rate schedules hold for
    all, or stand in a dict by the same names.
    """

    def __init__(
        self,
        optim_wrapper_cfg: Mapping[str, Any],
        paramwise_cfg: Mapping[str, Any] | None = None,
    ):
        """Take the configs, as mmengine hands them over.

        Args:
            optim_wrapper_cfg: Attribute of the model -> config of its ``OptimWrapper``,
                with ``optimizer`` and perhaps ``paramwise_cfg`` and ``clip_grad``.
            paramwise_cfg: Must be None: it belongs to a part.

        Raises:
            ConfigError: If there is no part, or a part's config has no optimiser.
        """
        if paramwise_cfg is not None:
            raise ConfigError(
                "optim_wrapper.paramwise_cfg: expected it inside a part's config"
            )
        for name, value in optim_wrapper_cfg.items():
            if not isinstance(value, Mapping) or "optimizer" not in value:
                raise ConfigError(
                    f"optim_wrapper.{name}: expected dict(optimizer=...) of the part "
                    f"{name!r}, found {value!r}"
                )
        if not optim_wrapper_cfg:
            raise ConfigError("optim_wrapper: expected at least one part, found none")
        self.configs = {name: dict(value) for name, value in optim_wrapper_cfg.items()}

    def __call__(self, model: nn.Module) -> PartOptimWrappers:
        """Build the optimisers.

        Args:
            model: Whose attributes the parts are.

        Returns:
            The wrappers by part.

        Raises:
            ConfigError: If the model has no such part or trains others, two share
                parameters, precisions differ, gradients are to be accumulated, or the
                model is in a wrapper that knows nothing of parts.
        """
        if is_model_wrapper(model):
            if not isinstance(model, SharedBatchDataParallel):
                raise ConfigError(
                    "model_wrapper_cfg: expected none, or SharedBatchDataParallel, "
                    f"with optimisers of parts; found {type(model).__name__}"
                )
            model = model.module
        wrappers: dict[str, OptimWrapper] = {}
        owners: dict[int, str] = {}
        for name, config in self.configs.items():
            part = getattr(model, name, None)
            if not isinstance(part, nn.Module):
                known = ", ".join(key for key, _ in model.named_children())
                raise ConfigError(
                    f"optim_wrapper.{name}: the model has no such part; it has {known}"
                )
            if config.get("accumulative_counts", 1) != 1:
                raise ConfigError(
                    f"optim_wrapper.{name}.accumulative_counts: expected 1, found "
                    f"{config['accumulative_counts']}"
                )
            for parameter in part.parameters():
                other = owners.setdefault(id(parameter), name)
                if other != name:
                    raise ConfigError(
                        f"optim_wrapper: parts {other!r} and {name!r} share parameters"
                    )
            wrappers[name] = build_optim_wrapper(part, config)
        trained = getattr(model, "trained_parts", None)
        if trained is None or set(trained) != set(wrappers):
            wanted = "one optimiser"
            if trained is not None:
                wanted = f"PartOptimizers of {', '.join(trained)}"
            raise ConfigError(
                f"optim_wrapper: {type(model).__name__}, as it is set up, trains by "
                f"{wanted}; found PartOptimizers of {', '.join(wrappers)}"
            )
        return PartOptimWrappers(**wrappers)

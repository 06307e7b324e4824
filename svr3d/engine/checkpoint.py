# SPDX-License-Identifier: Apache-2.0
"""Read checkpoints without trusting them, and build models from them."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from torch import Tensor, nn

from svr3d.errors import CheckpointError
from svr3d.io.foreign_checkpoints import explain_torch_error, read_torch_file
from svr3d.models.layers.data_width import settle_by_state

LAST = "last_checkpoint"
_SHOWN = 5


def read_checkpoint(
    path: str | os.PathLike, device: str | torch.device = "cpu"
) -> dict[str, Any]:
    """Read a checkpoint that holds tensors and builtins only.

    Args:
        path: A file, or an URL that mmengine knows how to fetch.
        device: Where its tensors go.

    Returns:
        The checkpoint; a bare state dict is wrapped as ``{'state_dict': ...}``.

    Raises:
        CheckpointError: If the file is missing, broken or holds pickled objects,
            which can run any code when they are loaded.
    """
    checkpoint = _read(path, device)
    if not isinstance(checkpoint, dict):
        raise CheckpointError(
            f"{path}: expected a dictionary with 'state_dict', found a "
            f"{type(checkpoint).__name__}"
        )
    if "state_dict" not in checkpoint:
        values = checkpoint.values()
        if not checkpoint or not all(isinstance(value, Tensor) for value in values):
            keys = ", ".join(map(repr, list(checkpoint)[:_SHOWN])) or "nothing"
            raise CheckpointError(f"{path}: expected 'state_dict', found {keys}")
        checkpoint = {"state_dict": checkpoint}
    return checkpoint


def _read(path: str | os.PathLike, device: str | torch.device) -> Any:
    text = os.fspath(path)
    if "://" not in text:
        return read_torch_file(path, device)
    from mmengine.runner import CheckpointLoader

    try:
        return CheckpointLoader.load_checkpoint(text, map_location=device)
    except Exception as error:  # the network, or a foreign file
        raise explain_torch_error(path, error) from error


def check_state_dict(
    model: nn.Module, state_dict: Mapping[str, Tensor], *, source: str
) -> None:
    """Raise unless a state dict has exactly the model's names and shapes.

    Args:
        model: The model that is to take it.
        state_dict: Names to tensors.
        source: Where the state dict comes from, for the message.

    Raises:
        CheckpointError: With a short list of what differs.
    """
    own = model.state_dict()
    foreign = sorted(
        key for key, value in state_dict.items() if not isinstance(value, Tensor)
    )
    missing = [key for key in own if key not in state_dict]
    unexpected = [key for key in state_dict if key not in own]
    misshaped = [
        f"{key} (expected {_shape(own[key])}, found {_shape(state_dict[key])})"
        for key in own
        if isinstance(state_dict.get(key), Tensor)
        and isinstance(own[key], Tensor)
        and own[key].shape != state_dict[key].shape
    ]
    if not (missing or unexpected or misshaped or foreign):
        return
    lines = [
        f"{source}: expected the weights of this {type(model).__name__}, found those "
        f"of another model ({len(own) - len(missing) - len(misshaped)} of {len(own)} "
        "entries fit)"
    ]
    for title, names in (
        ("missing", missing),
        ("unexpected", unexpected),
        ("of another shape", misshaped),
        ("not tensors", foreign),
    ):
        if names:
            lines.append(f"  {len(names)} {title}: {_shorten(names)}")
    raise CheckpointError("\n".join(lines))


def _shape(value: Tensor) -> str:
    return str(tuple(value.shape))


def _shorten(names: Iterable[str]) -> str:
    names = list(names)
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def checkpoint_config(checkpoint: Mapping[str, Any], *, source: str) -> Config:
    """Return the config that a checkpoint stores; none of its text is executed.

    Raises:
        CheckpointError: If it stores none.
        ConfigError: If it cannot be read, or one of its ``custom_imports`` fails.
    """
    from svr3d.engine.config import config_from_text

    text = checkpoint.get("meta", {}).get("cfg")
    if not isinstance(text, str):
        raise CheckpointError(
            f"{source}: expected a checkpoint that stores its config (meta.cfg), "
            "found none; give the config file too"
        )
    return config_from_text(text, source=f"the config in {source}")


def load_model(
    path: str | os.PathLike, device: str | torch.device = "cpu"
) -> tuple[nn.Module, Config, dict[str, Any]]:
    """Build the model that a checkpoint describes and load its weights.

    Args:
        path: A checkpoint of training, which stores its config.
        device: Where the model goes.

    Returns:
        The model in evaluation mode, its config, and the checkpoint's ``meta``:
        ``dataset_meta`` with the categories, ``protocol``, ``epoch``, ``iter`` ... and
        ``val_metrics``, the metrics of the last validation before it was written.

    Raises:
        CheckpointError: If the file cannot be used.
        ConfigError: If its config cannot be built.
    """
    from mmengine.registry import MODELS, DefaultScope

    from svr3d.engine.config import check_model, import_custom_modules

    checkpoint = read_checkpoint(path)
    cfg = checkpoint_config(checkpoint, source=os.fspath(path))
    import_custom_modules(cfg)
    check_model(cfg, f"the config in {os.fspath(path)}")
    with DefaultScope.overwrite_default_scope("svr3d"):
        model = MODELS.build(cfg.model)
    load_weights(model, checkpoint["state_dict"], source=os.fspath(path))
    meta = dict(checkpoint.get("meta", {}))
    meta.setdefault("val_metrics", validation_metrics(checkpoint))
    return model.to(device).eval(), cfg, meta


def validation_metrics(checkpoint: Mapping[str, Any]) -> dict[str, float]:
    """Return the last validation's metrics that a checkpoint's message hub stores."""
    scalars = checkpoint.get("message_hub", {}).get("log_scalars", {})
    metrics = {}
    for name, value in scalars.items():
        if name.startswith("val/") and isinstance(value, Mapping):
            log = next(iter(value.values()))[0]  # see engine.compat.builtins
            if len(log):
                metrics[name.removeprefix("val/")] = float(log[-1])
    return metrics


def load_weights(
    model: nn.Module, state_dict: Mapping[str, Tensor], *, source: str
) -> None:
    """Load a state dict that must fit exactly.

    A leading ``module.``, as wrappers for several processes leave it, is dropped.

    Raises:
        CheckpointError: If names or shapes differ.
    """
    plain = {key.removeprefix("module."): value for key, value in state_dict.items()}
    settle_by_state(model, plain)
    check_state_dict(model, plain, source=source)
    model.load_state_dict(plain)


def find_last_checkpoint(work_dir: str | os.PathLike) -> Path | None:
    """Return the checkpoint that ``--resume`` continues from, or None.

    That is the one which the file ``last_checkpoint`` names, also after the folder
    was moved. If it is gone, the newest checkpoint that stores the optimiser.
    """
    work_dir = Path(work_dir)
    note = work_dir / LAST
    if note.is_file():
        named = Path(note.read_text().strip())
        for path in (work_dir / named, work_dir / named.name):
            if named.name and path.is_file():
                return path
    newest = sorted(
        work_dir.glob("*.pth"), key=lambda path: path.stat().st_mtime, reverse=True
    )
    for path in newest:
        try:
            if "optimizer" in read_checkpoint(path):
                return path
        except CheckpointError:
            continue
    return None

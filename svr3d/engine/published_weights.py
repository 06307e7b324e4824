# SPDX-License-Identifier: Apache-2.0
"""Turn published weights into checkpoints that testing and inference take alone."""

import hashlib
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from torch import nn

from svr3d import __version__
from svr3d.converters.formats import PublishedFormat
from svr3d.datasets.category_names import SHAPENET_NAMES
from svr3d.engine.atomic import atomic_file
from svr3d.engine.checkpoint import load_weights
from svr3d.engine.compat import to_builtins
from svr3d.engine.config import (
    check_model,
    config_to_text,
    load_config,
    shipped_configs,
)
from svr3d.errors import CheckpointError
from svr3d.models.layers.data_width import open_widths


def convert_published_weights(
    content: Any,
    out: str | os.PathLike,
    *,
    published: PublishedFormat,
    cfg: Config,
    source: str | os.PathLike,
    categories: Mapping[str, str] = SHAPENET_NAMES,
) -> nn.Module:
    """Write the weights of a published program as a checkpoint of this package.

    Args:
        content: What the format read from the source.
        out: File to write; its folder is made, an old file is replaced in one step.
        published: Format of the source.
        cfg: Config whose model takes the weights; the checkpoint stores it.
        source: File of the published program, named in messages and in ``meta``.
        categories: Folder name -> display name of the categories the weights were
            trained on.

    Returns:
        The model with the weights, in evaluation mode.

    Raises:
        CheckpointError: If the weights do not fit the model, or the file is the source
            or cannot be written.
        ConfigError: If the config's model cannot be built.
    """
    from mmengine.registry import MODELS, DefaultScope

    out = Path(out)
    if out.is_dir() or (out.exists() and out.samefile(source)):
        raise CheckpointError(f"{out}: expected another file to write than the source")
    check_model(cfg, cfg.filename or "the config")
    with DefaultScope.overwrite_default_scope("svr3d"):
        model = MODELS.build(cfg.model)
    _settle(model, published, content)
    state = published.convert(content, model.state_dict())
    load_weights(model, state, source=os.fspath(source))
    meta = {
        "cfg": config_to_text(cfg),
        "protocol": cfg.get("protocol"),
        "dataset_meta": {
            "categories": list(categories.values()),
            "taxonomy_ids": list(categories),
        },
        "time": time.strftime("%Y%m%d_%H%M%S"),
        "torch_version": str(torch.__version__),
        "svr3d_version": __version__,
        "converted_from": {
            "file": Path(source).name,
            "sha256": hashlib.sha256(Path(source).read_bytes()).hexdigest(),
            "program": published.program,
        },
    }
    checkpoint = {"meta": to_builtins(meta, "meta"), "state_dict": model.state_dict()}
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with atomic_file(out) as file:
            torch.save(checkpoint, file)
    except OSError as error:
        raise CheckpointError(
            f"{out}: expected a file that can be written, found: "
            f"{error.strerror or error}"
        ) from error
    return model.eval()


def _settle(model: nn.Module, published: PublishedFormat, content: Any) -> None:
    """Give parts that follow the data the number of view classes of the weights."""
    find = published.view_classes
    classes = None if find is None else find(content)
    if classes is not None:
        for part in open_widths(model).values():
            part.settle(classes)


def fitting_config(
    folder: str,
    content: Any,
    published: PublishedFormat,
    *,
    source: str | os.PathLike,
) -> str:
    """Return the first shipped config of a folder whose model the weights fit.

    Args:
        folder: Such as ``occnet/``; its configs are tried from the shortest name on.
        content: What the format read from the source.
        published: Format of the source.
        source: File of the published program, for the message.

    Raises:
        CheckpointError: If they fit none.
    """
    from mmengine.registry import MODELS, DefaultScope

    names = [name for name in shipped_configs() if name.startswith(folder)]
    for name in sorted(names, key=lambda name: (len(name), name)):
        cfg = load_config(name, verbose=False)
        # Shapes are all that matters.
        scope = DefaultScope.overwrite_default_scope("svr3d")
        with scope, torch.device("meta"):
            model = MODELS.build(cfg.model)
            _settle(model, published, content)
            target = model.state_dict()
        try:
            published.convert(content, target)
        except CheckpointError:
            continue
        return name
    raise CheckpointError(
        f"{source}: expected the weights of a network that one of the configs in "
        f"{folder} has, found none that fits ({', '.join(names) or 'no config'}); name "
        "one with --config, which tells where they differ"
    )

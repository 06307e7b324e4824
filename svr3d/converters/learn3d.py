# SPDX-License-Identifier: Apache-2.0
"""Checkpoints of learn3D: a bare state dict of each network in a file of its own."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from svr3d.errors import CheckpointError
from svr3d.geometry.mirror_halves import mirror_halves
from svr3d.geometry.template_meshes import icosphere
from svr3d.io.foreign_checkpoints import read_torch_file
from svr3d.io.plain_obj import read_plain_obj
from svr3d.renderers.mesh_renderer import to_renderer_world

from .key_map import Layout, Source, fill_state, restore_names

# Name of a tensor here -> published name, the first rule that matches; layers there
# are numbered along with the activations between them.
_RULES = (
    (r"backbone\.convolutions\.(\d+)(.+)", "E.convBlocks.{}{}", (2, 0)),
    (r"backbone\.layers\.(\d+)(.+)", "E.FC.{}{}", (2, 0)),
    (r"backbone\.last_layer(.+)", "E.shapeLayer{}", None),
    (r"backbone\.features(.+)", "E.model{}", None),
    (r"head\.layers\.(\d+)(.+)", "G.fclayers.{}{}", (2, 0)),
    (r"adversary\.classifier\.hidden\.(\d+)(.+)", "D.hidden_layer{}{}", (1, 0)),
    (r"adversary\.classifier\.to_classes(.+)", "D.digit_layer{}", None),
    (r"adversary\.discriminator\.first(.+)", "D.model.0{}", None),
    (r"adversary\.discriminator\.convolutions\.(\d+)(.+)", "D.model.{}{}", (3, 2)),
    (r"adversary\.discriminator\.norms\.(\d+)(.+)", "D.model.{}{}", (3, 3)),
    (r"adversary\.discriminator\.to_logit(.+)", "D.adv_layer.0{}", None),
)
# Layers that the program defines and never uses.
_UNUSED = ("E.muLayer.", "E.logvarLayer.", "E.model.fc.")
_NETWORKS = ("E", "G", "D")
# 24 azimuths and 3 elevations, as images of LSM (NIPS 2017) are sorted.
_LSM_CLASSES = 72
# The program's own spheres agree to 1e-5; a wrong file does not by far.
_TOLERANCE = 1e-3


def read_learn3d(
    path: str | os.PathLike, *, template: str | os.PathLike | None = None
) -> dict[str, Any]:
    """Read the checkpoints of a run without running code of their pickles.

    Args:
        path: ``last-E.ckpt`` or ``best-E.ckpt``, the encoder's, beside which the
            generator's (``last-G.ckpt``) and perhaps the discriminator's
            (``last-D.ckpt``) lie.
        template: ``sphere_642.obj`` of the program, of which the generator's outputs
            have the order of vertices; None reads none.

    Returns:
        ``<E, G or D>.<name>`` -> tensor, and ``template`` -> (V, 3) vertices.

    Raises:
        CheckpointError: If a file is missing, broken or of another kind.
        MeshError: If the template cannot be read.
    """
    match = re.fullmatch(r"(.*)E(\.\w+)?", Path(path).name)
    if match is None:
        raise CheckpointError(
            f"{path}: expected the encoder's checkpoint, such as last-E.ckpt, beside "
            "which the other networks lie"
        )
    state: dict[str, Any] = {}
    for network in _NETWORKS:
        file = Path(path).with_name(f"{match[1]}{network}{match[2] or ''}")
        if network == "D" and not file.exists():
            continue
        content = read_torch_file(file)
        if not isinstance(content, Mapping) or not all(
            isinstance(value, Tensor) for value in content.values()
        ):
            raise CheckpointError(
                f"{file}: expected a state dict, found {type(content).__name__} of "
                "other things than tensors"
            )
        state |= {f"{network}.{name}": value for name, value in content.items()}
    if template is not None:
        state["template"] = read_plain_obj(template, normalize=True)[0]
    return state


def learn3d_config(state: Mapping[str, Any]) -> str:
    """Return the shipped config whose model takes what was read.

    Args:
        state: What :func:`read_learn3d` returned.
    """
    if "E.model.conv1.weight" in state:
        return "learn3d/featgan_pascal3d.py"
    if "D.adv_layer.0.weight" in state:
        return "learn3d/vpl_cvpr18.py"
    if "D.digit_layer.weight" not in state:
        return "learn3d/ae_cvpr18.py"
    lsm = learn3d_view_classes(state) == _LSM_CLASSES
    return f"learn3d/featgan_{'nips17' if lsm else 'cvpr18'}.py"


def learn3d_view_classes(state: Mapping[str, Any]) -> int | None:
    """Return how many view classes the discriminator tells apart.

    Args:
        state: What :func:`read_learn3d` returned.

    Returns:
        None if there is no discriminator.
    """
    if "D.digit_layer.weight" in state:
        return len(state["D.digit_layer.weight"])
    if "D.model.0.weight" in state:
        # Beside a plane for each class it sees the silhouette.
        return state["D.model.0.weight"].shape[1] - 1
    return None


def template_order(theirs: np.ndarray) -> Tensor:
    """Match the vertices of the program's sphere with those of the generated one.

    Args:
        theirs: (V, 3) in the renderer's world, in a box from -1 to 1.

    Returns:
        (V,) for each vertex of :func:`svr3d.geometry.template_meshes.icosphere` the
        nearest of theirs, z negated.

    Raises:
        CheckpointError: If it is no icosphere.
    """
    theirs = torch.tensor(np.asarray(theirs), dtype=torch.float64)
    subdivisions = next((s for s in range(8) if 10 * 4**s + 2 == len(theirs)), None)
    if subdivisions is None:
        raise CheckpointError(
            f"template: expected an icosphere (42, 162, 642, ... vertices), found "
            f"{len(theirs)} vertices"
        )
    ours = torch.tensor(icosphere(subdivisions, project_each=True)[0])
    distance, order = torch.cdist(ours, to_renderer_world(theirs)).min(dim=1)
    if distance.max() > _TOLERANCE or len(order.unique()) != len(order):
        raise CheckpointError(
            "template: expected the vertices of an icosphere within "
            f"{_TOLERANCE}, found one {float(distance.max()):.3g} away"
        )
    return order


def learn3d_key_map(
    target: Mapping[str, Tensor], template: np.ndarray | None = None
) -> dict[str, Source]:
    """Map the published names to this package's tensors.

    The generator's outputs are those of other vertices, in a world whose z is negated:
    rows of its last layer change places and signs.

    Args:
        target: Tensors of the model, such as its state dict; those without a published
            name are left out.
        template: (V, 3) vertices of the program's sphere; None if the target has no
            generator.

    Returns:
        Published name, such as ``E.convBlocks.0.weight`` -> place in this package.

    Raises:
        CheckpointError: If there is a generator without a template, or they do not
            belong together.
    """
    names: dict[str, Source] = {}
    layout = None
    for name, value in target.items():
        if name.startswith("head.last_layer."):
            layout = layout or _generator_layout(len(value), template)
            names[f"G.bias_layer.{name.rpartition('.')[2]}"] = Source(
                name, layout=layout
            )
            continue
        published = _published_name(name)
        if published is not None:
            names[published] = Source(name)
    return names


def _published_name(name: str) -> str | None:
    for pattern, published, numbering in _RULES:
        match = re.fullmatch(pattern, name)
        if match:
            parts = list(match.groups())
            if numbering is not None:
                step, first = numbering
                parts[0] = step * int(parts[0]) + first
            return published.format(*parts)
    return None


def _generator_layout(outputs: int, template: np.ndarray | None) -> Layout:
    if template is None:
        raise CheckpointError(
            "learn3D's generator: expected the program's template (sphere_642.obj), "
            "whose order of vertices is that of the outputs; found none"
        )
    order = template_order(template)
    if outputs == 3 * len(order):
        rows = 3 * order[:, None] + torch.arange(3)
        sign = to_renderer_world(torch.ones(rows.shape))
    else:
        rows = _mirrored_rows(template, order)
        sign = torch.ones(rows.shape)
    rows, sign = rows.flatten(), sign.flatten()
    if len(rows) != outputs:
        raise CheckpointError(
            f"template of {len(order)} vertices: expected a generator with "
            f"{3 * len(order)} outputs, or as many as a symmetric one has, found "
            f"{outputs}"
        )
    back = rows.argsort()
    return Layout(
        lambda value: value[rows] * sign.view(-1, *[1] * (value.ndim - 1)).to(value),
        lambda value: (value * sign.view(-1, *[1] * (value.ndim - 1)).to(value))[back],
    )


def _mirrored_rows(template: np.ndarray, order: Tensor) -> Tensor:
    """Return where outputs of the symmetric generator lie in the program's.

    The half that is predicted there is the one that is mirrored here, as z is negated:
    its offsets are already those of the mirror image.
    """
    theirs = torch.tensor(np.asarray(template))
    subdivisions = next(s for s in range(8) if 10 * 4**s + 2 == len(theirs))
    ours = torch.tensor(icosphere(subdivisions, project_each=True)[0])
    (plane, positive, _), (their_plane, _, their_image) = (
        mirror_halves(vertices, 2) for vertices in (ours, theirs)
    )
    place = torch.zeros(len(order), dtype=torch.int64)
    place[their_plane] = torch.arange(len(their_plane))
    place[their_image] = torch.arange(len(their_image))
    on_plane = 2 * place[order[plane]][:, None] + torch.arange(2)
    beside = 3 * place[order[positive]][:, None] + torch.arange(3)
    return torch.cat([on_plane.flatten(), 2 * len(plane) + beside.flatten()])


def convert_learn3d(
    state: Mapping[str, Any], target: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """Convert what :func:`read_learn3d` read into this package's state.

    Args:
        state: Published names -> tensors; and ``template``.
        target: State dict of the model that is to load the result; gives names and
            shapes. A discriminator is left out if the model has none.

    Returns:
        A state dict that loads strictly.

    Raises:
        CheckpointError: If a tensor is missing, left over or of another shape.
    """
    template = state.get("template")
    names = learn3d_key_map(target, template)
    skipped = _UNUSED
    if not any(name.startswith("D.") for name in names):
        skipped = (*_UNUSED, "D.")
    weights = {
        name: value
        for name, value in state.items()
        if name != "template" and not name.startswith(skipped)
    }
    return fill_state(names, weights, target, what="learn3D")


def restore_learn3d_names(
    tensors: Mapping[str, Tensor], template: np.ndarray | None = None
) -> dict[str, Tensor]:
    """Return tensors (parameters, gradients) under published names and layouts.

    Args:
        tensors: Name in this package -> tensor; those without a published name are
            left out.
        template: See :func:`learn3d_key_map`.
    """
    return restore_names(learn3d_key_map(tensors, template), tensors)

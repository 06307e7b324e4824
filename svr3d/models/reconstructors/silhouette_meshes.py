# SPDX-License-Identifier: Apache-2.0
"""Meshes learnt from silhouettes of known views."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from mmengine.optim import OptimWrapper, OptimWrapperDict
from mmengine.registry import MODELS
from torch import Tensor, nn
from torch.nn import functional as F

from svr3d.models.reconstructors.base import BaseReconstructor
from svr3d.models.reconstructors.build_parts import build_part, named_losses
from svr3d.models.reconstructors.training_steps import TrainingSteps
from svr3d.registry import BACKBONES, HEADS
from svr3d.renderers.mesh_views import MeshViews

if TYPE_CHECKING:
    from svr3d.structures import Structure

_INPUTS = ("images", "masks")


@MODELS.register_module()
class SilhouetteMeshes(BaseReconstructor):
    """Deforms a template so that it fills the mask, seen as the image was taken.

    ::

        images, masks -> backbone -> codes -> head -> vertices, faces
        vertices, faces, views of the images -> renderer -> silhouettes

    Losses compare the silhouettes with the masks, and say what meshes and codes should
    be like. Of one view per object the code can learn the view too, and the mesh be
    right from that side alone. An adversary works against it: on the codes
    (``ViewConfusion``, ``ViewReversal``) or on the silhouettes from other views
    (``ViewPriorAdversary``).

    Which objective of the adversary is added, and which optimisers step, may change
    from iteration to iteration (``steps``); all parts have their gradients from one
    forward and one backward pass. The config's ``optim_wrapper`` is then one of
    :class:`~svr3d.engine.part_optimizers.PartOptimizers` of the parts ``backbone``,
    ``head`` and ``adversary``; without steps a single one will do.

    Source: Peng et al., "Learning Pose-invariant 3D Object Reconstruction from
    Single-view Images" (arXiv 2004.01347), and ``3D-GAN.py`` of bomb2peng/learn3D.

    Attributes:
        iteration: Number of training iterations so far. Runners set it, so that resumed
            runs go on with the step that is due.
    """

    def __init__(
        self,
        backbone: dict | nn.Module,
        head: dict | nn.Module,
        renderer: dict | nn.Module,
        *,
        losses: Mapping[str, dict | nn.Module],
        adversary: dict | nn.Module | None = None,
        steps: Sequence[Mapping[str, Any]] | None = None,
        inputs: Sequence[str] = ("images",),
        data_preprocessor: dict | nn.Module | None = None,
        init_cfg: dict | list | None = None,
    ):
        """Set up the model from parts, each a config dict or a built module.

        Args:
            backbone: Images (B, C, H, W) -> codes (B, Z).
            head: Codes -> ``vertices`` (B, N, 3) and ``faces`` (F, 3), with
                ``to_structure(outputs)``: a ``MeshGenerator``.
            renderer: Vertices, faces and ``MeshViews`` (B, V) -> silhouettes
                (B, V, S, S): ``NeuralMeshRenderer`` or ``SoftMeshRenderer``.
            losses: Parts by name, ``loss(outputs, batch) -> scalar``.
            adversary: A ``svr3d.models.adversaries.Adversary``.
            steps: A cycle of dicts, one for each iteration: ``optimizers``, the parts
                whose optimisers step, and ``adversary``, the objective that is added.
                None, for models without an adversary, trains by a single optimiser.
            inputs: What the backbone sees, one after the other as channels: 'images',
                'masks' or both.
            data_preprocessor: Moves and normalises a batch.
            init_cfg: mmengine initialisation, applied before training.

        Raises:
            ValueError: If the inputs or the steps are not as they should be.
        """
        super().__init__(data_preprocessor, init_cfg=init_cfg)
        if not inputs or set(inputs) - set(_INPUTS) or isinstance(inputs, str):
            raise ValueError(
                f"inputs: expected some of {_INPUTS}, one or more, found {inputs!r}"
            )
        self.inputs = tuple(inputs)
        self.backbone = build_part(backbone, BACKBONES)
        self.head = build_part(head, HEADS)
        self.renderer = build_part(renderer, MODELS)
        self.losses = nn.ModuleDict(named_losses(losses))
        self.adversary = None if adversary is None else build_part(adversary, MODELS)
        if steps is None and adversary is not None:
            raise ValueError(
                "steps: expected which objectives of the adversary are added, "
                f"{', '.join(self.adversary.objectives)}, found None"
            )
        objectives = () if adversary is None else self.adversary.objectives
        self.steps = (
            None if steps is None else TrainingSteps(steps, objectives=objectives)
        )
        self.iteration = 0

    def code(self, batch: dict[str, Any]) -> Tensor:
        """Encode images.

        Args:
            batch: ``images`` (B, 1, 3, H, W), normalised, and ``masks`` (B, 1, H, W)
                if the backbone sees them.

        Returns:
            Codes, (B, Z).

        Raises:
            ValueError: If one is missing, or there are several views per sample.
        """
        planes = []
        for key in self.inputs:
            maps = _maps(batch, key)
            if maps.shape[1] != 1:
                raise ValueError(
                    f"{key}: expected one view per sample, found {maps.shape[1]}"
                )
            planes.append(maps.squeeze(1))
        return self.backbone(torch.cat(planes, dim=1))

    def decode(self, codes: Tensor) -> Structure:
        """Return the meshes of codes.

        Args:
            codes: (B, Z).
        """
        return self.head.to_structure(self.head(codes))

    def outputs(self, batch: dict[str, Any]) -> dict[str, Tensor]:
        """Return what losses compare.

        Args:
            batch: What :meth:`code` takes, and ``view_angles`` (B, V, 3) or
                ``rotations`` (B, V, 3, 3).

        Returns:
            ``codes`` (B, Z), ``vertices`` (B, N, 3), ``faces`` (F, 3) and
            ``silhouettes`` (B, V, S, S).
        """
        codes = self.code(batch)
        outputs = {"codes": codes, **self.head(codes)}
        views = MeshViews.from_batch(batch)
        return outputs | {"silhouettes": self.render(outputs, views)}

    def render(self, outputs: dict[str, Tensor], views: MeshViews) -> Tensor:
        """Return silhouettes (B, V, S, S) of meshes.

        Args:
            outputs: ``vertices`` and ``faces``.
            views: (B, V), from where they are seen.
        """
        return self.renderer(outputs["vertices"], outputs["faces"], views)

    def loss(self, batch: dict[str, Any]) -> dict[str, Tensor]:
        """Return the losses of the iteration that is due.

        Args:
            batch: What :meth:`outputs` takes, ``masks`` (B, V, H, W) and what the
                adversary reads. Masks of another size than the silhouettes are brought
                to it by their nearest pixels.

        Returns:
            Scalars named ``loss_<part>``, and what the adversary returns.
        """
        outputs = self.outputs(batch)
        if "masks" in batch:
            size = outputs["silhouettes"].shape[-2:]
            batch = batch | {"masks": _resize(_maps(batch, "masks"), size)}
        values = {
            f"loss_{name}": part(outputs, batch) for name, part in self.losses.items()
        }
        if self.steps is not None and self.steps.at(self.iteration).adversary:
            objective = self.steps.at(self.iteration).adversary
            render = partial(self.render, outputs)
            values.update(self.adversary(objective, outputs, batch, render))
        return values

    @property
    def trained_parts(self) -> tuple[str, ...] | None:
        """Parts that the steps name; None without steps."""
        return None if self.steps is None else self.steps.parts

    def train_step(
        self, data: dict | tuple | list, optim_wrapper: OptimWrapper | OptimWrapperDict
    ) -> dict[str, Tensor]:
        """Train the parts whose turn it is, and go on to the next iteration.

        Arguments, result and errors are those of the base.
        """
        logs = super().train_step(data, optim_wrapper)
        self.iteration += 1
        return logs

    def part_losses(
        self, losses: dict[str, Tensor], total: Tensor
    ) -> dict[str, Tensor]:
        """Return the sum of the losses for each part whose turn it is."""
        if self.steps is None:
            return super().part_losses(losses, total)
        return {name: total for name in self.steps.at(self.iteration).optimizers}

    def predict(self, batch: dict[str, Any]) -> Structure:
        """Return the meshes.

        Args:
            batch: What :meth:`code` takes.
        """
        return self.decode(self.code(batch))


def _maps(batch: dict[str, Any], key: str) -> Tensor:
    """Return images or masks as (B, V, C, H, W)."""
    if key not in batch:
        raise ValueError(
            f"batch: expected {key!r}, found {', '.join(map(repr, batch)) or 'nothing'}"
        )
    maps = batch[key].float()
    if key == "masks" and maps.ndim == 4:
        maps = maps[:, :, None]
    channels = 1 if key == "masks" else 3
    if maps.ndim != 5 or maps.shape[2] != channels:
        raise ValueError(
            f"{key}: expected (B, V, {channels}, H, W), found {tuple(maps.shape)}"
        )
    return maps


def _resize(masks: Tensor, size: torch.Size) -> Tensor:
    """Return masks (B, V, 1, H, W) as (B, V, *size)."""
    masks = masks.squeeze(2)
    if masks.shape[-2:] == size:
        return masks
    return F.interpolate(masks, tuple(size), mode="nearest")

# SPDX-License-Identifier: Apache-2.0
"""Point clouds learnt from images and masks, without shapes and without poses."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import torch
from mmengine.registry import MODELS
from torch import Tensor, nn

from svr3d.errors import ConfigError
from svr3d.geometry.pose_camera import spread_poses
from svr3d.models.layers.batch_share import rand_rows
from svr3d.models.point_networks.shape_refinement import ShapeRefinement
from svr3d.models.reconstructors.base import BaseReconstructor
from svr3d.models.reconstructors.build_parts import build_part, named_losses

if TYPE_CHECKING:
    from svr3d.structures import Structure

_INPUTS = ("images", "masks")


@MODELS.register_module()
class SelfSupervisedPoints(BaseReconstructor):
    """Learns a shape network and a pose network from one image of each object.

    A cloud is found in the image and drawn as seen from the pose that is found in it,
    where image and mask tell how it should look; and from random poses, where the
    networks should find the same cloud and those poses again::

        images -> shape -> points, colors    images -> pose -> poses[0]
        points, colors, poses -> renderer -> silhouettes, drawn_images
        drawn_images -> shape -> cycle_points;  -> pose -> cycle_poses

    The losses are weighed into two sums. That of ``shape_weights`` moves the shape
    network alone, that of ``pose_weights`` the pose network alone, both from one
    forward pass: the config's ``optim_wrapper`` is one of
    :class:`~svr3d.engine.part_optimizers.PartOptimizers`. Nothing is detached, so that
    gradients of the cycles reach the cloud through its pictures.

    Source: Navaneet et al., "From image collections to point clouds with
    self-supervised shape and pose networks" (CVPR 2020), and ``src/main.py`` and
    ``src/multiple_mask_main.py`` of klnavaneet/ssl_3d_recon.
    """

    def __init__(
        self,
        shape: dict | nn.Module,
        pose: dict | nn.Module,
        renderer: dict | nn.Module,
        *,
        losses: Mapping[str, dict | nn.Module],
        shape_weights: Mapping[str, float],
        pose_weights: Mapping[str, float] | None = None,
        num_views: int = 4,
        azimuths: tuple[float, float] = (-180.0, 180.0),
        elevations: tuple[float, float] = (-20.0, 40.0),
        inputs: str = "images",
        true_poses: bool = False,
        neighbors: bool = False,
        refinement: dict | ShapeRefinement | None = None,
        data_preprocessor: dict | nn.Module | None = None,
        init_cfg: dict | list | None = None,
    ):
        """Set up the model from parts, each a config dict or a built module.

        Args:
            shape: Images (B, 3, H, W) -> ``points`` (B, N, 3) and perhaps ``colors``,
                with ``to_structure(outputs)``: ``ShapeColorNetwork``, or
                ``EncodedShape`` for any head that emits points.
            pose: Images (B, 3, H, W) -> (B, 2) azimuth and elevation.
            renderer: A ``PointRenderer``.
            losses: Parts by name, ``loss(outputs, batch) -> scalar``.
            shape_weights: Loss -> its weight in what trains the shape network.
            pose_weights: The same for the pose network; None or empty does not train
                it.
            num_views: Views V that are drawn in training, the first of the pose that
                was found. With 1 there are no cycles.
            azimuths: Range of random azimuths in degrees.
            elevations: Range of random elevations in degrees.
            inputs: What the networks see, 'images', or 'masks' three times over, which
                is for shapes without colours.
            true_poses: Whether the first view is drawn from the batch's ``poses``.
            neighbors: Whether the cloud is also drawn from the poses found in the
                batch's ``neighbor_images``, for losses on ``neighbor_silhouettes``.
            refinement: Fits the shape network to each image that is predicted, which
                then needs what the losses compare; None predicts at once.
            data_preprocessor: Moves a batch; it must not normalise images.
            init_cfg: mmengine initialisation, applied before training.

        Raises:
            ValueError: If a number or word is out of range, a weight has no loss or a
                loss no weight, or a loss has a name that would be summed.
        """
        super().__init__(data_preprocessor, init_cfg=init_cfg)
        if num_views < 1:
            raise ValueError(f"num_views: expected at least 1, found {num_views}")
        if inputs not in _INPUTS:
            raise ValueError(f"inputs: expected one of {_INPUTS}, found {inputs!r}")
        for name, limits in (("azimuths", azimuths), ("elevations", elevations)):
            if len(limits) != 2 or limits[0] > limits[1]:
                raise ValueError(f"{name}: expected (low, high), found {limits}")
        self.shape, self.pose, self.renderer = (
            build_part(part, MODELS) for part in (shape, pose, renderer)
        )
        self.losses = nn.ModuleDict(named_losses(losses))
        self.weights = {"shape": dict(shape_weights)}
        if pose_weights:
            self.weights["pose"] = dict(pose_weights)
        self._check_weights()
        self.num_views = num_views
        self.azimuths, self.elevations = tuple(azimuths), tuple(elevations)
        self.inputs = inputs
        self.true_poses, self.neighbors = true_poses, neighbors
        if isinstance(refinement, Mapping):
            refinement = MODELS.build(refinement)
        self.refinement = refinement

    def _check_weights(self) -> None:
        given = {name for weights in self.weights.values() for name in weights}
        known = set(self.losses)
        if given != known:
            raise ValueError(
                f"losses: expected those with weights, {', '.join(sorted(given))}; "
                f"found {', '.join(sorted(known))}"
            )
        for name in known:
            if "loss" in name:
                raise ValueError(f"losses: expected a name without 'loss': {name!r}")

    def outputs(self, batch: dict[str, Any]) -> dict[str, Tensor]:
        """Return what losses compare.

        Args:
            batch: ``images`` (B, 1, 3, H, W) or ``masks``; ``poses`` (B, 1, 2) with
                ``true_poses``, ``neighbor_images`` (B, K, 3, H, W) with ``neighbors``.

        Returns:
            ``points`` (B, N, 3), ``poses`` (B, V, 2) and ``random_poses``
            (B, V - 1, 2), ``silhouettes`` (B, 1, H, W), ``pixels`` (B, 1, N, 2) row
            and column of each point; with colours ``colors`` (B, N, 3) and
            ``drawn_images`` (B, 1, 3, H, W); of several views ``cycle_points``
            (B, V, N, 3) and ``cycle_poses`` (B, V - 1, 2); with neighbours
            ``neighbor_silhouettes`` (B, K, H, W).

        Raises:
            ValueError: If the batch lacks what is needed, or there are several views
                of a shape without colours that the networks cannot see.
        """
        images = self._seen(batch, "")
        found = self.shape(images)
        points, colors = found["points"], found.get("colors")
        pose = self._first_pose(images, batch)
        others = self.random_poses(len(points)).to(pose)
        first = self.renderer(points, pose, colors)
        outputs = {
            **found,
            "poses": torch.cat([pose[:, None], others], dim=1),
            "random_poses": others,
            "silhouettes": first.silhouette[:, None],
            "pixels": self.renderer.project(points, pose)[:, None, :, :2],
        }
        if colors is not None:
            outputs["drawn_images"] = first.image.permute(0, 3, 1, 2)[:, None]
        if self.num_views > 1:
            views = self._views(outputs, points, colors)
            again = self.shape(views.flatten(0, 1))["points"]
            outputs["cycle_points"] = again.unflatten(0, views.shape[:2])
            others = self.pose(views[:, 1:].flatten(0, 1))
            outputs["cycle_poses"] = others.unflatten(0, (len(points), -1))
        if self.neighbors:
            images = self._seen(batch, "neighbor_", single=False)
            count = images.shape[1]
            poses = self.pose(images.flatten(0, 1))
            drawn = self.renderer(_copies(points, count), poses)
            outputs["neighbor_silhouettes"] = drawn.silhouette.unflatten(0, (-1, count))
        return outputs

    def loss(self, batch: dict[str, Any]) -> dict[str, Tensor]:
        """Return the sums that train the parts, and each loss by itself.

        Args:
            batch: What :meth:`outputs` takes and the losses compare.

        Returns:
            ``loss_shape`` and, if it is trained, ``loss_pose``; and the unweighted
            losses by name, detached.
        """
        return self.weigh(self.outputs(batch), batch)

    def weigh(
        self, outputs: dict[str, Tensor], batch: dict[str, Any]
    ) -> dict[str, Tensor]:
        """Return what :meth:`loss` returns.

        Args:
            outputs: What :meth:`outputs` returned.
            batch: What the losses compare.
        """
        values = {name: part(outputs, batch) for name, part in self.losses.items()}
        sums = {
            f"loss_{part}": sum(weight * values[name] for name, weight in pairs.items())
            for part, pairs in self.weights.items()
        }
        return sums | {name: value.detach() for name, value in values.items()}

    @property
    def trained_parts(self) -> tuple[str, ...]:
        """Parts with weights."""
        return tuple(self.weights)

    def part_losses(
        self, losses: dict[str, Tensor], total: Tensor
    ) -> dict[str, Tensor]:
        """Return the sum that each part follows."""
        return {name: losses[f"loss_{name}"] for name in self.weights}

    def predict(self, batch: dict[str, Any]) -> Structure:
        """Return the shapes; clouds with the poses that were found.

        Args:
            batch: ``images`` (B, 1, 3, H, W), or ``masks`` if they are the inputs.
        """
        refine = self.refinement
        found = self.find_shape(batch) if refine is None else refine(self, batch)
        structure = self.shape.to_structure(found)
        if "poses" in {field.name for field in dataclasses.fields(structure)}:
            poses = self.pose(self._seen(batch, "")).detach()
            structure = dataclasses.replace(structure, poses=poses)
        return structure

    def code(self, batch: dict[str, Any]) -> Tensor:
        """Return the shape network's codes (B, C), before any refinement.

        Args:
            batch: ``images`` (B, 1, 3, H, W), or ``masks`` if they are the inputs.

        Raises:
            ConfigError: If the shape network has none.
        """
        return self._shape_step("encode")(self._seen(batch, ""))

    def decode(self, codes: Tensor) -> Structure:
        """Return the shapes of codes (B, C), without poses.

        Raises:
            ConfigError: If the shape network has no codes.
        """
        return self.shape.to_structure(self._shape_step("decode")(codes))

    def _shape_step(self, name: str) -> Callable[[Tensor], Any]:
        step = getattr(self.shape, name, None)
        if step is None:
            raise ConfigError(
                f"shape: expected a network with {name!r}, such as ShapeColorNetwork "
                f"or EncodedShape, found {type(self.shape).__name__}"
            )
        return step

    def find_shape(self, batch: dict[str, Any]) -> dict[str, Tensor]:
        """Return what the shape network emits of a batch."""
        return self.shape(self._seen(batch, ""))

    def random_poses(self, samples: int) -> Tensor:
        """Draw (samples, V - 1, 2) poses in radians, uniformly in both angles."""
        device = next(self.parameters()).device
        return spread_poses(
            rand_rows(samples, self.num_views - 1, 2, device=device),
            azimuths=self.azimuths,
            elevations=self.elevations,
        )

    def _seen(
        self, batch: dict[str, Any], prefix: str, *, single: bool = True
    ) -> Tensor:
        """Return what the networks see, (B, 3, H, W) or (B, K, 3, H, W)."""
        key = prefix + self.inputs
        if key not in batch:
            raise ValueError(
                f"batch: expected {key!r}, found "
                f"{', '.join(map(repr, batch)) or 'nothing'}"
            )
        images = batch[key].float()
        if self.inputs == "masks":
            images = images[:, :, None] if images.ndim == 4 else images
            images = images.expand(-1, -1, 3, -1, -1)
        if images.ndim != 5 or images.shape[2] != 3:
            raise ValueError(
                f"{key}: expected (B, V, 3, H, W), found {tuple(images.shape)}"
            )
        if single and images.shape[1] != 1:
            raise ValueError(
                f"{key}: expected one view per sample, found {images.shape[1]}"
            )
        return images.squeeze(1) if single else images

    def _first_pose(self, images: Tensor, batch: dict[str, Any]) -> Tensor:
        if not self.true_poses:
            return self.pose(images)
        if "poses" not in batch:
            raise ValueError(
                "batch: expected 'poses' (true_poses), found "
                f"{', '.join(map(repr, batch))}"
            )
        return batch["poses"].to(images).reshape(len(images), 2)

    def _views(
        self, outputs: dict[str, Tensor], points: Tensor, colors: Tensor | None
    ) -> Tensor:
        """Return what the networks see of all V views, (B, V, 3, H, W)."""
        count = self.num_views - 1
        poses = outputs["random_poses"].flatten(0, 1)
        if self.inputs == "masks":
            others = self.renderer(_copies(points, count), poses).silhouette
            views = torch.cat(
                [outputs["silhouettes"], others.unflatten(0, (-1, count))], dim=1
            )
            return views[:, :, None].expand(-1, -1, 3, -1, -1)
        if colors is None:
            raise ValueError(
                f"{type(self.shape).__name__} emits no colours: expected inputs='masks'"
                f" or num_views=1, found inputs='images' and {self.num_views} views"
            )
        others = self.renderer(
            _copies(points, count), poses, _copies(colors, count), silhouette=False
        ).image
        others = others.permute(0, 3, 1, 2).unflatten(0, (-1, count))
        return torch.cat([outputs["drawn_images"], others], dim=1)


def _copies(values: Tensor, count: int) -> Tensor:
    """Return each cloud of (B, N, C) so many times, (B * count, N, C)."""
    return values[:, None].expand(-1, count, -1, -1).flatten(0, 1)

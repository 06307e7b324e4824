# SPDX-License-Identifier: Apache-2.0
"""The reconstructor of supervised methods: backbone, fusion of views, head, refiner."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from mmengine.registry import MODELS
from torch import Tensor, nn

from svr3d.models.fusion.view_pooling import ViewPooling
from svr3d.models.fusion.volumes import fuse_volumes
from svr3d.models.heads.query_head import QueryHead
from svr3d.models.layers.map_views import check_way, map_views
from svr3d.models.layers.memory_format import lay_out_channels_last
from svr3d.models.layers.occupancy import occupancy_probabilities
from svr3d.models.reconstructors.base import BaseReconstructor
from svr3d.models.reconstructors.build_parts import build_part, named_losses
from svr3d.models.reconstructors.part_weights import load_part_weights
from svr3d.registry import BACKBONES, HEADS

if TYPE_CHECKING:
    from svr3d.structures import Structure

# Upright objects stay upright.
_MIRROR_AXES = {"x": 0, "z": 2}


@MODELS.register_module()
class EncoderDecoder(BaseReconstructor):
    """Encodes each view, fuses the views, decodes the code into a representation.

    What is fused is either the views' codes, of which the head then decodes one, or the
    volumes that the head decodes of each view's code::

        fuse='codes':    images -> backbone -> fusion -> head      -> [refiner]
        fuse='volumes':  images -> backbone -> head   -> fusion    -> [refiner]

    A refiner corrects the one volume at the end, with losses of its own. A head that
    answers at points (:class:`~svr3d.models.heads.query_head.QueryHead`) is given the
    code and the batch's ``points`` and ``occupancies``; it predicts a field.

    All views of all samples pass the backbone (and the head, for volumes) in one call,
    except in training with ``encode_views='one_by_one'``: batch norms then normalise
    each view position by statistics of its own, as programs do that loop over views.
    The number of views is that of the batch and may differ from batch to batch.
    """

    def __init__(
        self,
        backbone: dict | nn.Module,
        head: dict | nn.Module,
        *,
        fusion: dict | nn.Module | None = None,
        fuse: str = "codes",
        refiner: dict | nn.Module | None = None,
        losses: Sequence[dict | nn.Module] | Mapping[str, dict | nn.Module] = (),
        refiner_losses: (
            Sequence[dict | nn.Module] | Mapping[str, dict | nn.Module]
        ) = (),
        input_key: str = "images",
        encode_views: str = "together",
        channels_last: bool = False,
        mirror_axis: str | None = None,
        part_weights: Mapping[str, str] | None = None,
        data_preprocessor: dict | nn.Module | None = None,
        init_cfg: dict | list | None = None,
    ):
        """Set up the model from parts, each a config dict or a built module.

        Args:
            backbone: Images (B*V, 3, H, W) -> features (B*V, C).
            head: Code -> dict of tensors, with ``to_structure(outputs)``; or a
                QueryHead.
            fusion: Features (B, V, C) -> code. None takes the only view's features.
            fuse: 'codes' or 'volumes', what the fusion makes one of. For volumes it is
                a :class:`~svr3d.models.fusion.view_pooling.ViewPooling`, and the head
                emits voxels.
            refiner: Probabilities (B, R, R, R) -> the same, better; for heads that emit
                voxels. One that is not ``in_use`` is left out, with its losses.
            losses: Parts ``loss(outputs, batch) -> scalar``; a dict names them, in a
                list they are named by their class.
            refiner_losses: The same for what the refiner makes.
            input_key: What of the batch is encoded. All but ``images`` have no axis of
                views, so nothing is fused, and go to the backbone as they are.
            encode_views: 'together' or 'one_by_one', how training encodes views.
            channels_last: Whether weights and images are laid out channels-last, which
                makes convolutions faster on CPUs and in half precision on GPUs.
            mirror_axis: Axis of the object frame, 'x' or 'z', for models that
                were trained on mirrored objects too (``RandomMirror``): predictions
                are averaged with those from mirrored views, mirrored back along it.
                None predicts once.
            part_weights: Name of a part, such as 'head' -> checkpoint of another run
                whose part of that name training starts from.
            data_preprocessor: Moves and normalises a batch.
            init_cfg: mmengine initialisation, applied before training.

        Raises:
            ValueError: If ``encode_views``, ``fuse`` or ``mirror_axis`` is unknown,
                if the fusion cannot fuse volumes, if two losses share a name, if
                there are losses for a refiner without the refiner, if a head that
                answers at points has a refiner or volumes to fuse, or if what has no
                views has a fusion or is to be mirrored.
        """
        super().__init__(data_preprocessor, init_cfg=init_cfg)
        check_way(encode_views, "encode_views")
        if mirror_axis is not None and mirror_axis not in _MIRROR_AXES:
            raise ValueError(
                f"mirror_axis: expected None, 'x' or 'z', found {mirror_axis!r}"
            )
        if input_key != "images" and (fusion is not None or mirror_axis is not None):
            raise ValueError(
                f"input_key {input_key!r}: expected neither fusion nor mirror_axis, "
                "which are for images"
            )
        self.input_key = input_key
        self.encode_views = encode_views
        self.mirror_axis = mirror_axis
        self.backbone = build_part(backbone, BACKBONES)
        self.fusion = None if fusion is None else build_part(fusion, MODELS)
        self.head = build_part(head, HEADS)
        if fuse not in ("codes", "volumes"):
            raise ValueError(f"fuse: expected 'codes' or 'volumes', found {fuse!r}")
        if fuse == "volumes" and not isinstance(self.fusion, ViewPooling):
            raise ValueError(
                "fuse 'volumes': expected a fusion that keeps the shape of a view (a "
                f"ViewPooling), found {type(self.fusion).__name__}"
            )
        self.fuse = fuse
        if isinstance(self.head, QueryHead) and (
            fuse == "volumes" or refiner is not None
        ):
            raise ValueError(
                f"{type(self.head).__name__} answers at points: expected fuse='codes' "
                "and no refiner, which are for heads that emit voxels"
            )
        self.refiner = None if refiner is None else build_part(refiner, MODELS)
        self.losses = nn.ModuleDict(named_losses(losses))
        self.refiner_losses = nn.ModuleDict(named_losses(refiner_losses))
        if self.refiner is None and self.refiner_losses:
            raise ValueError("refiner_losses: expected a refiner, found none")
        self.channels_last = channels_last
        if channels_last:
            lay_out_channels_last(self)
        self.part_weights = dict(part_weights or {})

    def init_weights(self) -> None:
        """Initialise the parts, then load ``part_weights``; training calls this.

        Raises:
            CheckpointError: If they cannot be read or do not fit.
            ConfigError: If the model has no such part.
        """
        super().init_weights()
        load_part_weights(self, self.part_weights)

    def encode(self, images: Tensor) -> Tensor:
        """Encode the views of each sample and fuse their codes.

        Args:
            images: (B, V, 3, H, W), normalised.

        Returns:
            Code, (B, C) or (B, C, r, r, r).

        Raises:
            ValueError: If there is no view, or several without a fusion.
        """
        features = self.encode_each(images)
        return features.squeeze(1) if self.fusion is None else self.fusion(features)

    def encode_each(self, images: Tensor) -> Tensor:
        """Encode the views of each sample.

        Args:
            images: (B, V, 3, H, W), normalised.

        Returns:
            Features, (B, V, C).

        Raises:
            ValueError: If there is no view, or several without a fusion, or the
                backbone makes anything but a vector of an image.
        """
        views = images.shape[1]
        flat = images.flatten(0, 1)
        if self.channels_last:
            flat = flat.contiguous(memory_format=torch.channels_last)
        if views < 1 or (views > 1 and self.fusion is None):
            raise ValueError(
                f"images: found {views} views per sample, expected "
                f"{'at least 1' if self.fusion else '1, as the model has no fusion'}"
            )
        features = map_views(self.backbone, flat, views, one_by_one=self._one_by_one)
        if features.dim() != 3:
            raise ValueError(
                f"backbone {type(self.backbone).__name__}: expected one vector per "
                f"image (N, C), found (N, {', '.join(map(str, features.shape[2:]))}); "
                "FeatureMapEncoder makes a vector of the maps of such a trunk"
            )
        return features

    def decode_each(self, features: Tensor) -> dict[str, Tensor]:
        """Decode each view by itself.

        Args:
            features: (B, V, C).

        Returns:
            What the head emits, each tensor (B, V, ...).
        """
        flat, views = features.flatten(0, 1), features.shape[1]
        return map_views(self.head, flat, views, one_by_one=self._one_by_one)

    def code(self, batch: dict[str, Any]) -> Tensor:
        """Encode what the model reads of a batch.

        Args:
            batch: Normalised batch with ``images``, or what ``input_key`` names.

        Returns:
            Code, (B, C) or (B, C, r, r, r); where volumes are fused, that of each view,
            (B, V, C).
        """
        inputs = _entry(batch, self.input_key)
        if self.input_key != "images":
            return self.backbone(inputs)
        return self.encode(inputs) if self.fuse == "codes" else self.encode_each(inputs)

    def decode(self, codes: Tensor) -> Structure:
        """Return the refined shapes of codes, as the head's structure.

        ``decode(code(batch))`` is what :meth:`predict` returns, but for
        ``mirror_axis``, which averages over two codes.

        Args:
            codes: What :meth:`code` returned, or others of the same form.
        """
        if isinstance(self.head, QueryHead):
            return self.head.to_structure({"codes": codes})
        return self.head.to_structure(self.refine(self._decoded(codes)))

    def outputs(self, batch: dict[str, Any]) -> dict[str, Tensor]:
        """Return what head and fusion make of a batch, unrefined.

        Args:
            batch: Normalised batch with ``images``, or what ``input_key`` names, and
                with ``points`` and perhaps ``occupancies`` for a QueryHead.
        """
        if isinstance(self.head, QueryHead):
            points = _entry(batch, "points")
            return self.head(self.code(batch), points, batch.get("occupancies"))
        return self._decoded(self.code(batch))

    def refine(self, outputs: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return refined outputs, or the same where there is no refiner in use.

        Args:
            outputs: What :meth:`outputs` returned.
        """
        if not self._refines:
            return outputs
        return {"probabilities": self.refiner(occupancy_probabilities(outputs))}

    def loss(self, batch: dict[str, Any]) -> dict[str, Tensor]:
        """Return each loss part's value.

        Args:
            batch: Normalised batch with what :meth:`outputs` takes and the losses'
                targets.

        Returns:
            Scalars named ``loss_<part>``, and ``loss_refined_<part>`` of a refiner.
        """
        outputs = self.outputs(batch)
        values = {
            f"loss_{name}": part(outputs, batch) for name, part in self.losses.items()
        }
        if self._refines:
            refined = self.refine(outputs)
            for name, part in self.refiner_losses.items():
                values[f"loss_refined_{name}"] = part(refined, batch)
        return values

    def predict(self, batch: dict[str, Any]) -> Structure:
        """Return the reconstructed shapes as the head's structure.

        Args:
            batch: Normalised batch with ``images``, or what ``input_key`` names.
        """
        structure = self.decode(self.code(batch))
        if self.mirror_axis is None:
            return structure
        turned = {**batch, "images": batch["images"].flip(-1)}
        mirrored = self.decode(self.code(turned)).mirror(_MIRROR_AXES[self.mirror_axis])
        return structure.average(mirrored)

    def _decoded(self, codes: Tensor) -> dict[str, Tensor]:
        """Return what head and fusion make of codes."""
        if self.fuse == "codes":
            return self.head(codes)
        return fuse_volumes(self.fusion, self.decode_each(codes))

    @property
    def _one_by_one(self) -> bool:
        return self.training and self.encode_views == "one_by_one"

    @property
    def _refines(self) -> bool:
        # A refiner without the attribute is no staged part, and always in use.
        return self.refiner is not None and getattr(self.refiner, "in_use", True)


def _entry(batch: dict[str, Any], key: str) -> Any:
    if key not in batch:
        raise ValueError(
            f"batch: expected {key!r}, found {', '.join(map(repr, batch)) or 'nothing'}"
        )
    return batch[key]

# SPDX-License-Identifier: Apache-2.0
"""Meshes of predictions, made once for all metrics of an evaluation."""

from collections.abc import Sequence
from weakref import WeakKeyDictionary

from svr3d.structures import Mesh, OccupancyField, Structure, Voxels

# Metrics get the same structures one after the other, and drop them after the batch.
_MESHES: WeakKeyDictionary[Structure, dict[tuple, Mesh]] = WeakKeyDictionary()


def predicted_meshes(
    samples: Sequence[Structure], *, voxel_surface: str = "smooth"
) -> list[Mesh]:
    """Return the mesh of each prediction at its own threshold.

    Fields that share a decoder are extracted together.

    Args:
        samples: Structures of one sample each.
        voxel_surface: How voxels become a mesh, see
            :meth:`svr3d.structures.Voxels.to_mesh`.
    """
    keys = [(getattr(sample, "threshold", None), voxel_surface) for sample in samples]
    known = [_MESHES.setdefault(sample, {}) for sample in samples]
    fields = [
        index
        for index, sample in enumerate(samples)
        if isinstance(sample, OccupancyField) and keys[index] not in known[index]
    ]
    if _share_all([samples[index] for index in fields]):
        joined = OccupancyField.cat([samples[index] for index in fields])
        for index, mesh in zip(fields, joined.to_mesh(), strict=True):
            known[index][keys[index]] = mesh
    for sample, key, meshes in zip(samples, keys, known, strict=True):
        if key not in meshes:
            voxels = isinstance(sample, Voxels)
            meshes[key] = sample.to_mesh(**{"mode": voxel_surface} if voxels else {})
    return [meshes[key] for meshes, key in zip(known, keys, strict=True)]


def _share_all(fields: Sequence[OccupancyField]) -> bool:
    """Whether fields differ in their codes only."""

    def rest(field: OccupancyField) -> tuple:
        decode = field.decode, field.decode_logits
        return *decode, field.threshold, field.extraction, field.codes.shape[1:]

    return bool(fields) and all(rest(field) == rest(fields[0]) for field in fields)

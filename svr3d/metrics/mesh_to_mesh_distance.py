# SPDX-License-Identifier: Apache-2.0
"""Metro's distance between predicted and true meshes as the metric of runners."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from svr3d.errors import DataError
from svr3d.geometry.cloud_placement import (
    CloudPlacement,
    check_normalization,
    find_placement,
)
from svr3d.io.meshes import load_mesh
from svr3d.metrics.predicted_meshes import predicted_meshes
from svr3d.metrics.predicted_points import sample_seed
from svr3d.metrics.surface_distances import SurfaceDistances, surface_distances
from svr3d.metrics.table_metric import TableMetric
from svr3d.registry import METRICS
from svr3d.structures import Mesh, PointCloud, Structure

_COLUMNS = {
    "Hausdorff x100": "hausdorff_x100",
    "mean x100": "mean_x100",
    "RMS x100": "rms_x100",
}
_NAMES = ("largest", "mean", "rms")


@METRICS.register_module()
class MeshToMeshDistance(TableMetric):
    """Hausdorff, mean and RMS distance between meshes, by Metro's definition.

    Vertices, edges and faces of each mesh are sampled and compared with the exact
    surface of the other; 'hausdorff' is the largest distance in either direction,
    'mean' and 'rms' the larger of the directions' means and root mean squares.
    Euclidean. The true mesh is a file of the object. Fields and voxels become meshes
    first; a point cloud is taken as its points. Where nothing was predicted distances
    are the diagonal of the true mesh's box.

    Cignoni et al., "Metro: measuring error on simplified surfaces" (1998). Published
    for AtlasNet: the mean over about twenty meshes per category, a hundred times the
    'Hausdorff' of Metro 4.07, un-normalised (``units='file'``, ``normalization=
    'UnitBall'``, ``cloud_pattern='{sample_id}.npy'``). Differs from Metro: samples are
    drawn with a seed, and distances are to the exact surface, not searched in a grid.
    """

    default_prefix = "metro"

    def __init__(
        self,
        mesh_root: str,
        *,
        mesh_pattern: str = "{sample_id}.ply",
        normalization: str = "Identity",
        cloud_pattern: str | None = None,
        units: str = "data",
        num_points: int = 100_000,
        voxel_surface: str = "smooth",
        seed: int = 0,
        baselines: Mapping[str, Mapping[str, float]] | None = None,
        protocol: Mapping[str, Any] | None = None,
        collect_device: str = "cpu",
        prefix: str | None = None,
    ):
        """Set up the metric.

        Args:
            mesh_root: Folder of the true meshes.
            mesh_pattern: File of an object, relative to it, with ``{sample_id}``.
            normalization: What the data set took out of the object, see
                :func:`svr3d.geometry.cloud_placement.find_placement`; 'Identity' if the
                files are in the frame of the data.
            cloud_pattern: ``.npy`` file (N, 3 or more) of the points whose placement
                the normalisation is, relative to ``mesh_root``; None takes points
                drawn from the mesh.
            units: 'data' brings the true mesh into the frame of the data; 'file'
                brings the prediction into that of the file.
            num_points: Points drawn on each surface, besides vertices and edges.
            voxel_surface: How voxels become a mesh, see
                :meth:`svr3d.structures.Voxels.to_mesh`.
            seed: Of the points.
            baselines: Category name or taxonomy id -> 'hausdorff_x100' or another of
                the metrics -> published figure; by default those of the data set.
            protocol: Further facts of the evaluation, stored with the table.
            collect_device: Where results of several processes meet, 'cpu' or 'gpu'.
            prefix: Prefix of the metric's names, 'metro' by default.

        Raises:
            ConfigError: If there is no such normalisation.
            ValueError: If a word is unknown or there are no points.
        """
        super().__init__(
            baselines=baselines,
            protocol=protocol,
            collect_device=collect_device,
            prefix=prefix,
        )
        check_normalization(normalization)
        if units not in ("data", "file"):
            raise ValueError(f"units: expected 'data' or 'file', found {units!r}")
        if num_points < 1:
            raise ValueError(f"num_points: expected at least 1, found {num_points}")
        for name, pattern in (
            ("mesh_pattern", mesh_pattern),
            ("cloud_pattern", cloud_pattern),
        ):
            if pattern is not None and "{sample_id}" not in pattern:
                raise ValueError(f"{name}: expected '{{sample_id}}', found {pattern!r}")
        self.mesh_root = mesh_root
        self.mesh_pattern = mesh_pattern
        self.normalization = normalization
        self.cloud_pattern = cloud_pattern
        self.units = units
        self.num_points = num_points
        self.voxel_surface = voxel_surface
        self.seed = seed

    def process(self, data_batch: dict[str, Any], data_samples: Sequence[Any]) -> None:
        """Compare the meshes of one batch.

        Args:
            data_batch: Collated batch with ``category`` and ``sample_id``.
            data_samples: B structures of one sample each.

        Raises:
            DataError: If a true mesh or its points cannot be read.
        """
        meshes = predicted_surfaces(data_samples, self.voxel_surface)
        for index, mesh in enumerate(meshes):
            sample_id = data_batch["sample_id"][index]
            vertices, faces = self._true_mesh(sample_id)
            placement = self._placement(sample_id, vertices, faces)
            predicted = mesh.vertices[0].detach().double()
            if self.units == "file":
                predicted = placement.restore(predicted.cpu()).to(predicted)
            else:
                vertices = placement.normalize(vertices)
            scores = both_directions(
                (predicted, mesh.faces[0]),
                (vertices.to(predicted), faces.to(predicted.device)),
                num_points=self.num_points,
                seed=sample_seed(self.seed, sample_id),
            )
            self.results.append(self.identify(data_batch, index) | scores)

    def compute_metrics(self, results: list[dict[str, Any]]) -> dict[str, float]:
        """Average all samples.

        Args:
            results: What :meth:`process` collected, of all processes.

        Returns:
            Means over samples of 'hausdorff', 'mean' and 'rms', a hundred times these
            ('hausdorff_x100' ...), their directions from the prediction
            ('accuracy_largest' ...) and from the true mesh ('completeness_largest'
            ...); and '<metric>_category_mean' of those in the table.
        """
        directions = ("accuracy", "completeness")
        plain = ["hausdorff", "mean", "rms"]
        rows = [r | {f"{name}_x100": 100 * r[name] for name in plain} for r in results]
        names = [*plain, *_COLUMNS.values()]
        names += [f"{direction}_{name}" for direction in directions for name in _NAMES]
        metrics = {name: float(np.mean([row[name] for row in rows])) for name in names}
        self.table = self.make_table(
            "mesh-to-mesh distances",
            list(_COLUMNS),
            results,
            [[row[name] for name in _COLUMNS.values()] for row in rows],
            summary={},
            facts={
                "units": self.units,
                "normalization": self.normalization,
                "points": f"{self.num_points} on each surface, vertices and edges",
                "voxel_surface": self.voxel_surface,
            },
            published=_COLUMNS,
            smaller_is_better=list(_COLUMNS),
        )
        means = self.table.mean_of_categories
        for name, mean in zip(_COLUMNS.values(), means, strict=True):
            metrics[f"{name}_category_mean"] = mean
        self.samples = [
            self.sample_row(row) | {name: row[name] for name in names} for row in rows
        ]
        return metrics

    def _file(self, pattern: str, sample_id: str) -> Path:
        path = Path(self.mesh_root) / pattern.replace("{sample_id}", sample_id)
        if not path.is_file():
            raise DataError(f"{sample_id}: expected the file {path}, found none")
        return path

    def _true_mesh(self, sample_id: str) -> tuple[Tensor, Tensor]:
        data = load_mesh(self._file(self.mesh_pattern, sample_id))
        return torch.from_numpy(data.vertices).double(), torch.from_numpy(data.faces)

    def _placement(
        self, sample_id: str, vertices: Tensor, faces: Tensor
    ) -> CloudPlacement:
        if self.cloud_pattern is None:
            points = vertices
            if self.normalization != "Identity":
                seed = sample_seed(self.seed, sample_id)
                drawn = Mesh([vertices], [faces]).to_points(self.num_points, seed=seed)
                points = drawn.points[0]
            return find_placement(points, self.normalization)
        path = self._file(self.cloud_pattern, sample_id)
        points = np.load(path)
        if points.ndim != 2 or points.shape[1] < 3 or len(points) == 0:
            raise DataError(f"{path}: expected points (N, 3), found {points.shape}")
        cloud = torch.from_numpy(points[:, :3].astype(np.float64))
        return find_placement(cloud, self.normalization)


def predicted_surfaces(
    samples: Sequence[Structure], voxel_surface: str = "smooth"
) -> list[Mesh]:
    """Return the mesh of each prediction; that of a cloud has a face per point."""
    waiting = iter(
        predicted_meshes(
            [sample for sample in samples if not isinstance(sample, PointCloud)],
            voxel_surface=voxel_surface,
        )
    )
    return [
        _points_as_faces(sample) if isinstance(sample, PointCloud) else next(waiting)
        for sample in samples
    ]


def both_directions(
    predicted: tuple[Tensor, Tensor],
    true: tuple[Tensor, Tensor],
    *,
    num_points: int = 100_000,
    seed: int = 0,
) -> dict[str, float]:
    """Measure between two meshes (vertices, faces) in both directions.

    Returns:
        'hausdorff', 'mean' and 'rms', the larger of both directions; each direction's
        'largest', 'mean' and 'rms' too, as ``accuracy_<name>`` from the prediction and
        ``completeness_<name>`` from the true mesh.
    """
    if len(predicted[1]):
        options = {"num_points": num_points, "seed": seed}
        found = {
            "accuracy": surface_distances(*predicted, *true, **options),
            "completeness": surface_distances(*true, *predicted, **options),
        }
    else:
        diagonal = float((true[0].amax(0) - true[0].amin(0)).norm())
        worst = SurfaceDistances(diagonal, diagonal, diagonal)
        found = {"accuracy": worst, "completeness": worst}
    scores = {
        f"{direction}_{name}": getattr(distances, name)
        for direction, distances in found.items()
        for name in _NAMES
    }
    for name, key in zip(("hausdorff", "mean", "rms"), _NAMES, strict=True):
        scores[name] = max(scores[f"accuracy_{key}"], scores[f"completeness_{key}"])
    return scores


def _points_as_faces(cloud: PointCloud) -> Mesh:
    index = torch.arange(len(cloud.points[0]), device=cloud.points[0].device)
    return Mesh([cloud.points[0]], [index[:, None].expand(-1, 3).contiguous()])

# SPDX-License-Identifier: Apache-2.0
"""What recognition alone achieves: mean shapes and retrieval, on a config's split.

A network that does not beat them has not learned to reconstruct (Tatarchenko et al.,
"What Do Single-view 3D Reconstruction Networks Learn?", CVPR 2019).
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from torch import Tensor

from svr3d.analysis.baseline_splits import (
    Split,
    dataset_cfg,
    first_image,
    read_clouds,
    read_voxels,
    take_views,
)
from svr3d.analysis.cluster_classifier import ClusterSettings, recognize
from svr3d.analysis.labelled_points import field_of_labels
from svr3d.analysis.mean_shape import MeanShape
from svr3d.analysis.nearest_shapes import nearest_by_iou, nearest_by_views
from svr3d.analysis.point_baselines import MEDOID, first_points, pick_clouds
from svr3d.errors import ConfigError
from svr3d.metrics import PointIoU, ResultTable, merge_tables
from svr3d.metrics.table_metric import TableMetric
from svr3d.registry import DATASETS, METRICS
from svr3d.structures import PointCloud, Structure, Voxels

MEAN_SHAPE = "mean shape"
CATEGORY_MEAN = "mean shape of the true category (oracle)"
RETRIEVAL = "nearest training image"
BEST_TRAINING_SHAPE = "best training shape (oracle)"
CLUSTERS = "classifier of clusters"
METRIC_NAMES = ("VoxelIoU", "PointIoU", "PointDistances")
# Those that know no more than a network does.
FAIR = (MEAN_SHAPE, MEDOID, RETRIEVAL, CLUSTERS)


@dataclass
class BaselineResults:
    """Tables of all baselines under the config's protocol.

    Attributes:
        tables: Name -> table.
        settings: Thresholds, numbers of samples and views.
        comparison: Network and baselines side by side, if a network was given.
        fair: Baselines that know no more than a network does.
        clouds: Of 'PointDistances', name -> predicted clouds (N, P, 3), and 'gt'.
    """

    tables: dict[str, ResultTable]
    settings: dict[str, Any] = field(default_factory=dict)
    comparison: ResultTable | None = None
    fair: tuple[str, ...] = ()
    clouds: dict[str, np.ndarray] = field(default_factory=dict)

    def summary(self) -> ResultTable:
        """Return one table with a column per baseline."""
        return merge_tables(
            self.tables,
            columns={name: table.columns[0] for name, table in self.tables.items()},
        )

    def compare(self, network: ResultTable, *, name: str = "network") -> str:
        """Put a network's table, at its best threshold, beside the baselines.

        Args:
            network: Table of the same split under the same protocol.
            name: What the network is called.

        Returns:
            A sentence that says which baselines it beats.

        Raises:
            ValueError: If protocol or samples differ.
        """
        # Columns of an IoU are thresholds; the first one of distances is the headline.
        nearer = network.larger_is_worse
        best = 0 if nearer else int(np.argmax(network.overall))
        columns = {key: table.columns[0] for key, table in self.tables.items()}
        columns[name] = network.columns[best]
        self.comparison = merge_tables({name: network, **self.tables}, columns=columns)
        score = network.overall[best]
        verdicts = []
        for key in self.fair:
            value = self.tables[key].overall[0]
            better = score < value if nearer else score > value
            verb = "beats" if better else "DOES NOT BEAT"
            verdicts.append(f"{verb} {key} ({value:.4f})")
        return f"{name} ({score:.4f}, {network.columns[best]}) " + ", ".join(verdicts)

    def to_dict(self) -> dict[str, Any]:
        """Return builtins only, for JSON."""
        result = {
            "settings": self.settings,
            "tables": {name: table.to_dict() for name, table in self.tables.items()},
        }
        if self.comparison is not None:
            result["comparison"] = self.comparison.to_dict()
        return result


def recognition_baselines(
    cfg: Config,
    *,
    metric: str = "VoxelIoU",
    reference_views: int = 0,
    oracle: bool = True,
    clusters: ClusterSettings | None = None,
    report: Callable[[str], None] = lambda message: None,
) -> BaselineResults:
    """Compute the baselines on the config's test split, from its training split.

    Images are those of the test pipeline. Thresholds of the mean shapes are chosen on
    the validation split.

    Args:
        cfg: Config with data loaders of train, val and test, and the metric.
        metric: Class of the config's metric that counts. For 'PointIoU', whose data
            set must read ``points_iou``, a retrieved shape is known by the labels of
            its own points, a mean shape by its cells. For 'PointDistances', whose data
            sets must read ``surface_points``, the first ``num_points`` of a training
            cloud are the prediction, and a medoid stands for the mean shape.
        reference_views: Views per training object that retrieval searches; 0 takes
            all that training may draw.
        oracle: Whether to search the training shape with the largest IoU or smallest
            Chamfer distance, a bound of retrieval whose cost is the product of both
            splits.
        clusters: Of 'PointDistances', how a classifier of clusters is trained; None
            leaves it out.
        report: Receives a line on progress.

    Raises:
        ConfigError: If a data loader or the metric is missing.
    """
    if metric not in METRIC_NAMES:
        raise ConfigError(
            f"metric: expected one of {', '.join(METRIC_NAMES)}, found {metric!r}"
        )
    if clusters is not None and metric != "PointDistances":
        raise ConfigError(
            f"clusters: expected the metric PointDistances, found {metric!r}"
        )
    settings, datasets = _build_datasets(cfg, metric, reference_views)
    sizes = settings["samples"]
    report(
        f"reading {sizes['train']} training objects, "
        f"{settings['reference_views']} views each"
    )
    counted = _metric(cfg, metric, datasets["test"].metainfo)
    options = {"oracle": oracle, "report": report}
    if metric == "PointDistances":
        shapes, test, own = _cloud_baselines(
            datasets, counted, clusters=clusters, **options
        )
    else:
        shapes, test, own = _voxel_baselines(datasets, counted, **options)
    tables = {
        name: evaluate(counted, found, test, entries_of(metric, test, datasets["test"]))
        for name, found in shapes.items()
    }
    return BaselineResults(
        tables,
        own | settings,
        fair=tuple(name for name in FAIR if name in tables),
        clouds=_cloud_arrays(shapes, test),
    )


def _cloud_arrays(
    shapes: Mapping[str, Sequence[Structure]], test: Split
) -> dict[str, np.ndarray]:
    """Return predicted clouds by baseline, and the true ones as 'gt'."""
    if isinstance(test.shapes, Tensor):
        return {}
    arrays = {
        name: torch.stack([shape.points[0] for shape in found]).numpy()
        for name, found in shapes.items()
    }
    return arrays | {
        "gt": first_points(test.shapes, max(map(len, test.shapes))).numpy()
    }


def _build_datasets(
    cfg: Config, metric: str, reference_views: int
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return numbers of samples and views, and the data set of each split."""
    configs = {name: dataset_cfg(cfg, name) for name in ("train", "test")}
    # Training images as they are tested: without augmentation.
    configs["train"]["pipeline"] = configs["test"].get("pipeline", ())
    if metric != "VoxelIoU" and "points" in configs["test"]:
        configs["train"]["points"] = configs["test"]["points"]
    if metric != "PointDistances":
        configs["val"] = dataset_cfg(cfg, "val")
    datasets = {name: DATASETS.build(part) for name, part in configs.items()}
    views = take_views(datasets["train"], reference_views)
    sizes = {name: len(dataset) for name, dataset in datasets.items()}
    return {"samples": sizes, "reference_views": views}, datasets


def _cloud_baselines(
    datasets: Mapping[str, Any],
    counted: TableMetric,
    *,
    oracle: bool,
    clusters: ClusterSettings | None,
    report: Callable[[str], None],
) -> tuple[dict[str, list[Structure]], Split, dict[str, Any]]:
    train = read_clouds(datasets["train"], setting="train_dataloader.dataset")
    report(f"reading {len(datasets['test'])} test objects")
    test = read_clouds(datasets["test"], setting="test_dataloader.dataset")
    picked, settings = pick_clouds(
        train,
        test,
        retrieval=RETRIEVAL,
        best=BEST_TRAINING_SHAPE if oracle else None,
        num_points=counted.num_points,
        report=report,
    )
    clouds = first_points(train.shapes, counted.num_points)
    if clusters is not None:
        settings["clusters"] = dataclasses.asdict(clusters)
        picked[CLUSTERS] = recognize(
            clouds,
            first_image(datasets["train"]),
            first_image(datasets["test"]),
            len(test.sample_ids),
            clusters,
            report=report,
        )
    shapes: dict[str, list[Structure]] = {
        name: [PointCloud(clouds[index : index + 1]) for index in indices]
        for name, indices in picked.items()
    }
    return shapes, test, settings


def _voxel_baselines(
    datasets: Mapping[str, Any],
    counted: TableMetric,
    *,
    oracle: bool,
    report: Callable[[str], None],
) -> tuple[dict[str, list[Structure]], Split, dict[str, Any]]:
    train = read_voxels(datasets["train"], with_features=True)
    val = read_voxels(datasets["val"], with_features=False)
    report(f"reading {len(datasets['test'])} test objects")
    test = read_voxels(datasets["test"], with_features=True)
    predictions, nearest, settings = predict_all(train, val, test, oracle=oracle)
    shapes: dict[str, list[Structure]] = {
        name: [Voxels(grid[None], 0.5) for grid in grids]
        for name, grids in predictions.items()
    }
    if isinstance(counted, PointIoU):
        report("reading the points of retrieved objects")
        for name, indices in nearest.items():
            shapes[name] = [_labelled(datasets["train"], i) for i in indices]
    return shapes, test, settings


def predict_all(
    train: Split, val: Split, test: Split, *, oracle: bool = True
) -> tuple[dict[str, Tensor], dict[str, list[int]], dict[str, Any]]:
    """Return each baseline's grids for the test split.

    Args:
        train: Shapes and features.
        val: Shapes.
        test: Shapes and features; its shapes are only looked at by oracles.
        oracle: Whether to include the best training shape.

    Returns:
        Name -> grids (N, R, R, R); name -> N training objects, of those that pick one;
        and the thresholds of the mean shapes.
    """
    predictions, picked, thresholds = {}, {}, {}
    for name, by in ((MEAN_SHAPE, ""), (CATEGORY_MEAN, "category")):
        mean = MeanShape(train.shapes, train.categories, by=by)
        thresholds[name] = mean.choose_threshold(val.shapes, val.categories)
        predictions[name] = torch.stack([mean.predict(c) for c in test.categories])
    picked[RETRIEVAL] = nearest_by_views(test.features, train.features)
    if oracle:
        picked[BEST_TRAINING_SHAPE] = nearest_by_iou(test.shapes, train.shapes)
    for name, nearest in picked.items():
        predictions[name] = train.shapes[nearest].float()
    indices = {name: torch.as_tensor(found).tolist() for name, found in picked.items()}
    return predictions, indices, {"thresholds": thresholds}


def evaluate(
    metric: TableMetric,
    shapes: Sequence[Structure],
    test: Split,
    entries: Callable[[int], Mapping[str, Tensor]],
) -> ResultTable:
    """Return the table of one baseline.

    Args:
        metric: Metric with protocol and data set facts.
        shapes: N predictions, batches of one.
        test: What they are compared with.
        entries: Returns what a sample's batch holds for the metric.
    """
    views = test.features.shape[1]
    for index, shape in enumerate(shapes):
        batch = {
            "category": [test.categories[index]],
            "sample_id": [test.sample_ids[index]],
            "images": torch.empty(1, views, 0),
            **entries(index),
        }
        metric.process(batch, [shape])
    metric.evaluate(len(shapes))
    return metric.table


def entries_of(
    metric: str, test: Split, dataset: Any
) -> Callable[[int], dict[str, Tensor]]:
    """Return what gives the entries of a sample's batch that a metric needs.

    Args:
        metric: Class of the metric.
        test: Shapes that are compared with.
        dataset: The test data set, which query points are read from.
    """
    if metric == "PointDistances":
        return lambda index: {"surface_points": test.shapes[index][None]}
    if metric == "VoxelIoU":
        return lambda index: {"voxels": test.shapes[index : index + 1]}
    return lambda index: {key: value[None] for key, value in _points(dataset, index)}


def _points(dataset: Any, index: int) -> list[tuple[str, Tensor]]:
    sample = dataset[index]
    keys = ("points_iou", "occupancies_iou")
    if not all(key in sample for key in keys):
        raise ConfigError(
            "test_dataloader.dataset.points: expected iou_points=True for PointIoU, "
            f"found a sample of {', '.join(sample)}"
        )
    return [(key, torch.as_tensor(sample[key])) for key in keys]


def _labelled(dataset: Any, index: int) -> Structure:
    (_, points), (_, labels) = _points(dataset, index)
    return field_of_labels(points, labels)


def _metric(cfg: Config, wanted: str, metainfo: Mapping[str, Any]) -> TableMetric:
    evaluator = cfg.get("test_evaluator") or ()
    parts: Sequence = evaluator if isinstance(evaluator, list | tuple) else [evaluator]
    for part in parts:
        kind = part.get("type")
        name = kind if isinstance(kind, str) else getattr(kind, "__name__", "")
        if name.rpartition(".")[2] == wanted:
            settings = {"protocol": cfg.get("protocol"), **part}
            if wanted == "VoxelIoU":
                # Predictions are 0 or 1, for which a cross entropy says nothing.
                settings["bce_weight"] = None
            metric = METRICS.build(settings)
            metric.dataset_meta = dict(metainfo)
            return metric
    raise ConfigError(f"test_evaluator: expected a {wanted} metric, found none")

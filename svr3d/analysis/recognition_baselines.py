# SPDX-License-Identifier: Apache-2.0
"""What recognition alone achieves: mean shapes and retrieval, on a config's split.

A network that does not beat them has not learned to reconstruct (Tatarchenko et al.,
"What Do Single-view 3D Reconstruction Networks Learn?", CVPR 2019).
"""

import copy
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from torch import Tensor

from svr3d.analysis.image_features import view_features
from svr3d.analysis.labelled_points import field_of_labels
from svr3d.analysis.mean_shape import MeanShape
from svr3d.analysis.nearest_shapes import nearest_by_iou, nearest_by_views
from svr3d.errors import ConfigError
from svr3d.metrics import ResultTable, merge_tables
from svr3d.metrics.table_metric import TableMetric
from svr3d.registry import DATASETS, METRICS
from svr3d.structures import Structure, Voxels

MEAN_SHAPE = "mean shape"
CATEGORY_MEAN = "mean shape of the true category (oracle)"
RETRIEVAL = "nearest training image"
BEST_TRAINING_SHAPE = "best training shape (oracle)"
METRIC_NAMES = ("VoxelIoU", "PointIoU")
# Those that know no more than a network does.
FAIR = (MEAN_SHAPE, RETRIEVAL)


@dataclass
class Split:
    """The shapes of one split, and where needed their views.

    Attributes:
        volumes: (N, R, R, R) uint8.
        categories: N positions in ``metainfo['categories']``.
        sample_ids: N identifiers.
        features: (N, V, F), or None.
    """

    volumes: Tensor
    categories: list[int]
    sample_ids: list[str]
    features: Tensor | None = None


@dataclass
class BaselineResults:
    """Tables of all baselines under the config's protocol.

    Attributes:
        tables: Name -> table.
        settings: Thresholds, numbers of samples and views.
        comparison: Network and baselines side by side, if a network was given.
    """

    tables: dict[str, ResultTable]
    settings: dict[str, Any] = field(default_factory=dict)
    comparison: ResultTable | None = None

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
        best = int(np.argmax(network.overall))
        columns = {key: table.columns[0] for key, table in self.tables.items()}
        columns[name] = network.columns[best]
        self.comparison = merge_tables({name: network, **self.tables}, columns=columns)
        score = network.overall[best]
        verdicts = []
        for key in FAIR:
            value = self.tables[key].overall[0]
            verb = "beats" if score > value else "DOES NOT BEAT"
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
    report: Callable[[str], None] = lambda message: None,
) -> BaselineResults:
    """Compute the baselines on the config's test split, from its training split.

    Images are those of the test pipeline. Thresholds of the mean shapes are chosen on
    the validation split.

    Args:
        cfg: Config with data loaders of train, val and test, and the metric.
        metric: Class of the config's metric that counts, 'VoxelIoU' or 'PointIoU'.
            For points, whose data set must read ``points_iou``, a retrieved shape is
            known by the labels of its own points, a mean shape by its cells.
        reference_views: Views per training object that retrieval searches; 0 takes
            all that training may draw.
        oracle: Whether to search the training shape with the largest IoU, an upper
            bound of retrieval whose cost is the product of both splits.
        report: Receives a line on progress.

    Raises:
        ConfigError: If a data loader or the metric is missing.
    """
    if metric not in METRIC_NAMES:
        raise ConfigError(
            f"metric: expected one of {', '.join(METRIC_NAMES)}, found {metric!r}"
        )
    test_cfg = _dataset_cfg(cfg, "test")
    train_cfg = _dataset_cfg(cfg, "train")
    # Training images as they are tested: without augmentation.
    train_cfg["pipeline"] = test_cfg["pipeline"]
    if metric == "PointIoU":
        train_cfg["points"] = test_cfg.get("points")
    datasets = {
        "train": DATASETS.build(train_cfg),
        "val": DATASETS.build(_dataset_cfg(cfg, "val")),
        "test": DATASETS.build(test_cfg),
    }
    views = _take_views(datasets["train"], reference_views)
    sizes = {name: len(dataset) for name, dataset in datasets.items()}
    report(f"reading {sizes['train']} training objects, {views} views each")
    train = read_split(datasets["train"], with_features=True)
    val = read_split(datasets["val"], with_features=False)
    report(f"reading {sizes['test']} test objects")
    test = read_split(datasets["test"], with_features=True)

    predictions, nearest, settings = predict_all(train, val, test, oracle=oracle)
    shapes: dict[str, list[Structure]] = {
        name: [Voxels(grid[None], 0.5) for grid in grids]
        for name, grids in predictions.items()
    }
    if metric == "PointIoU":
        report("reading the points of retrieved objects")
        for name, indices in nearest.items():
            shapes[name] = [_labelled(datasets["train"], i) for i in indices]
    counted = _metric(cfg, metric, datasets["test"].metainfo)
    tables = {
        name: evaluate(
            counted, found, test, datasets["test"], points=metric != "VoxelIoU"
        )
        for name, found in shapes.items()
    }
    settings |= {"samples": sizes, "reference_views": views}
    return BaselineResults(tables, settings)


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
        mean = MeanShape(train.volumes, train.categories, by=by)
        thresholds[name] = mean.choose_threshold(val.volumes, val.categories)
        predictions[name] = torch.stack([mean.predict(c) for c in test.categories])
    picked[RETRIEVAL] = nearest_by_views(test.features, train.features)
    if oracle:
        picked[BEST_TRAINING_SHAPE] = nearest_by_iou(test.volumes, train.volumes)
    for name, nearest in picked.items():
        predictions[name] = train.volumes[nearest].float()
    indices = {name: torch.as_tensor(found).tolist() for name, found in picked.items()}
    return predictions, indices, {"thresholds": thresholds}


def read_split(dataset: Any, *, with_features: bool) -> Split:
    """Read the shapes of a data set, and the features of their views.

    Args:
        dataset: A data set of this package.
        with_features: Whether to read images too.
    """

    def read(index: int) -> tuple[Tensor, Tensor | None]:
        if not with_features:
            return torch.as_tensor(dataset.read_voxels(index)), None
        sample = dataset[index]
        features = view_features(sample["images"], sample.get("masks"))
        return sample["voxels"], features

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        items = list(pool.map(read, range(len(dataset))))
    return Split(
        torch.stack([volume for volume, _ in items]).to(torch.uint8),
        list(dataset.category_ids),
        list(dataset.sample_ids),
        torch.stack([feature for _, feature in items]) if with_features else None,
    )


def evaluate(
    metric: TableMetric,
    shapes: Sequence[Structure],
    test: Split,
    dataset: Any = None,
    *,
    points: bool = False,
) -> ResultTable:
    """Return the table of one baseline.

    Args:
        metric: Metric with protocol and data set facts.
        shapes: N predictions, batches of one.
        test: What they are compared with.
        dataset: The test data set, which points are read from.
        points: Whether the metric compares at points.
    """
    views = test.features.shape[1]
    for index, shape in enumerate(shapes):
        batch = {
            "voxels": test.volumes[index : index + 1],
            "category": [test.categories[index]],
            "sample_id": [test.sample_ids[index]],
            "images": torch.empty(1, views, 0),
        }
        if points:
            batch |= {key: value[None] for key, value in _points(dataset, index)}
        metric.process(batch, [shape])
    metric.evaluate(len(shapes))
    return metric.table


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


def _take_views(dataset: Any, wanted: int) -> int:
    """Let a data set return the first ``wanted`` or all views; return how many."""
    if dataset.view_selection == "random":
        dataset.view_selection = "first"
        wanted = wanted or min(map(dataset.count_views, range(len(dataset))))
    dataset.num_views = wanted or dataset.num_views
    return dataset.num_views


def _dataset_cfg(cfg: Config, name: str) -> dict[str, Any]:
    loader = cfg.get(f"{name}_dataloader")
    if not loader or "dataset" not in loader:
        raise ConfigError(f"{name}_dataloader.dataset: expected a data set, found none")
    return copy.deepcopy(loader["dataset"])


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

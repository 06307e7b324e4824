# SPDX-License-Identifier: Apache-2.0
"""What ``svr3d dispersion-score`` can measure, as a matrix of distances."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from svr3d.analysis.dispersion.distance_matrix import (
    cloud_distances_matrix,
    feature_distances_matrix,
)
from svr3d.analysis.dispersion.inputs import (
    choose_samples,
    image_views,
    predicted_clouds,
    read_samples,
    target_clouds,
)
from svr3d.analysis.dispersion.matrix_checks import check_distances
from svr3d.cli.code_source import build_split
from svr3d.engine.config import check_config, load_config
from svr3d.errors import ConfigError, DataError

Picture = Callable[[int], np.ndarray]
EXTRACTORS = {
    "perceptual": "PerceptualFeatures",
    "silhouette": "SilhouetteFeatures",
    "pixels": "PixelFeatures",
}


@dataclass
class Measured:
    """Distances of a set, and what they are of.

    Attributes:
        distances: (N, N).
        facts: Source and protocol, builtins only.
        names: Of the samples, or empty.
        picture: Draws a sample; None where there is nothing to draw.
    """

    distances: np.ndarray
    facts: dict[str, Any]
    names: list[str] = field(default_factory=list)
    picture: Picture | None = None


def measure(args: argparse.Namespace, out: Path) -> Measured:
    """Compute the distances of what the arguments name.

    Args:
        args: Of the command.
        out: Folder of the results; the matrix is kept in its ``cache`` unless
            ``--cache`` names another.

    Raises:
        SVR3DError: If config, data, checkpoint or weights are wrong.
    """
    cache = Path(args.cache) if args.cache else out / "cache"
    if args.set == "array":
        return _array(args, cache)
    cfg, weights = read_source(args)
    dataset, split = _dataset(cfg, args)
    indices = choose_samples(len(dataset), args.max_samples, seed=args.sample_seed)
    facts: dict[str, Any] = {
        "set": args.set,
        "source": [str(path) for path in args.source],
        "split": split,
        "samples_of_the_split": len(dataset),
        "samples": len(indices),
    }
    if len(indices) < len(dataset):
        facts["sample_seed"] = args.sample_seed
    known = getattr(dataset, "sample_ids", None) or range(len(dataset))
    names = [str(known[index]) for index in indices]
    if args.set == "images":
        return _images(args, cache, dataset, indices, names, facts)
    if args.set == "shapes":
        clouds = target_clouds(
            read_samples(dataset, indices), num_points=args.num_points
        )
    else:
        clouds = _predictions(args, cfg, weights, dataset, indices, facts)
    facts |= {"points": clouds.points.shape[1], "distance": "squared Chamfer, summed"}
    return _of_clouds(clouds.points, args, cache, facts, names)


def read_source(args: argparse.Namespace) -> tuple[Any, str | None]:
    """Return the config, and the checkpoint if the set is of predictions."""
    from svr3d.cli.test import read_config

    if args.set != "predictions":
        if len(args.source) != 1:
            raise ConfigError(
                f"{args.set}: expected one CONFIG, found {' '.join(args.source)}"
            )
        cfg = load_config(args.source[0], args.cfg_options)
        check_config(cfg)
        return cfg, None
    if len(args.source) > 2:
        raise ConfigError(
            f"predictions: expected [CONFIG] CHECKPOINT, found {' '.join(args.source)}"
        )
    cfg = read_config(args.source[:-1], args.source[-1], args.cfg_options)
    check_config(cfg)
    return cfg, args.source[-1]


def _dataset(cfg: Any, args: argparse.Namespace) -> tuple[Any, str]:
    """Build the data set of a split; its images are prepared as tests prepare them."""
    split = args.split or ("test" if args.set == "predictions" else "train")
    dataset, _ = build_split(cfg, split)
    return dataset, split


def _images(args, cache, dataset, indices, names, facts) -> Measured:
    from svr3d.analysis.dispersion.image_dissimilarity import extract_features
    from svr3d.visualization import image_to_picture

    extractor, facts["features"] = _extractor(args)
    places: list[tuple[int, int]] = []
    features = extract_features(
        extractor,
        image_views(
            read_samples(dataset, indices), lambda *place: places.append(place)
        ),
        device=args.device,
    )
    facts["images"] = len(places)
    facts["distance"] = "mean squared difference of features"

    def picture(index: int) -> np.ndarray:
        sample, view = places[index]
        return image_to_picture(np.asarray(dataset[indices[sample]]["images"][view]))

    distances = feature_distances_matrix(
        features, path=cache / "distances.npy", device=args.device, progress=True
    )
    names = [names[sample] for sample, _ in places]
    return Measured(distances, facts, names, picture)


def _extractor(args: argparse.Namespace) -> tuple[Any, str]:
    from mmengine.registry import MODELS

    import svr3d.models  # noqa: F401 (registers its parts)

    if args.features == "encoder":
        from svr3d.analysis.dispersion.image_dissimilarity import EncoderFeatures
        from svr3d.engine.checkpoint import load_model

        if not args.weights:
            raise ConfigError("--features encoder: expected --weights CHECKPOINT")
        model, _, _ = load_model(args.weights, args.device)
        return EncoderFeatures(model), f"encoder of {args.weights}"
    settings: dict[str, Any] = {"type": EXTRACTORS.get(args.features, args.features)}
    words = args.features
    if args.features == "perceptual":
        settings |= {
            "weights": args.weights,
            "layer": args.layer,
            "pooling": args.pooling,
        }
        words = f"VGG-16 {args.layer}, channels: {args.pooling}"
    if MODELS.get(settings["type"]) is None:
        raise ConfigError(
            f"--features {args.features}: expected {', '.join(EXTRACTORS)}, encoder or "
            "a registered part, found none of this name"
        )
    return MODELS.build(settings).eval(), words


def _predictions(args, cfg, weights, dataset, indices, facts):
    from mmengine.registry import MODELS, DefaultScope

    from svr3d.engine.checkpoint import load_weights, read_checkpoint

    checkpoint = read_checkpoint(weights)
    with DefaultScope.overwrite_default_scope("svr3d"):
        model = MODELS.build(cfg.model)
    load_weights(model, checkpoint["state_dict"], source=weights)
    clouds = predicted_clouds(
        model.to(args.device).eval(),
        read_samples(dataset, indices),
        num_points=args.num_points,
        surface=args.points == "surface",
        rotate_back=not args.keep_rotation,
        threshold=args.threshold,
    )
    facts |= {
        "points_of_meshes": args.points,
        "rotated_back": clouds.rotated_back,
        "empty_predictions": clouds.empty,
    }
    return clouds


def _of_clouds(points, args, cache, facts, names) -> Measured:
    from svr3d.visualization.dispersion_figures import cloud_picture

    cache.mkdir(parents=True, exist_ok=True)
    np.save(cache / "clouds.npy", points)
    distances = cloud_distances_matrix(
        points, path=cache / "distances.npy", device=args.device, progress=True
    )
    return Measured(distances, facts, names, lambda index: cloud_picture(points[index]))


def _array(args: argparse.Namespace, cache: Path) -> Measured:
    if len(args.source) != 1:
        raise ConfigError(f"array: expected one FILE, found {' '.join(args.source)}")
    array = read_array(args.source[0])
    total = len(array)
    indices = choose_samples(total, args.max_samples, seed=args.sample_seed)
    facts = {"set": "array", "source": list(args.source), "samples": len(indices)}
    if len(indices) < total:
        facts |= {"samples_of_the_file": total, "sample_seed": args.sample_seed}
    if array.ndim == 3:
        if len(indices) < total:
            array = array[indices]
        facts |= {"points": array.shape[1], "distance": "squared Chamfer, summed"}
        return _of_clouds(np.asarray(array, np.float32), args, cache, facts, [])
    if array.shape[0] == array.shape[1] and not args.features_array:
        if len(indices) < total:
            array = array[np.ix_(indices, indices)]
        facts["distance"] = "given"
        return Measured(check_distances(array, args.source[0]), facts)
    facts["distance"] = "mean squared difference of features"
    distances = feature_distances_matrix(
        array[indices] if len(indices) < total else array,
        path=cache / "distances.npy",
        device=args.device,
        progress=True,
    )
    return Measured(distances, facts)


def read_array(path: str) -> np.ndarray:
    """Read clouds (N, P, 3), features (N, F) or a matrix (N, N).

    Args:
        path: ``.npy``, mapped; or ``.npz`` of one array.

    Raises:
        DataError: If the file is another.
    """
    try:
        found = np.load(path, mmap_mode="r", allow_pickle=False)
        if not isinstance(found, np.ndarray):
            with found as archive:
                if len(archive.files) != 1:
                    raise DataError(
                        f"{path}: expected one array, found "
                        f"{', '.join(archive.files) or 'none'}"
                    )
                found = archive[archive.files[0]]
    except FileNotFoundError as error:
        raise DataError(f"{path}: expected a file, found none") from error
    except (OSError, ValueError, EOFError) as error:
        raise DataError(
            f"{path}: expected a .npy or .npz file of numbers, found: {error}"
        ) from error
    if found.ndim not in (2, 3) or not np.issubdtype(found.dtype, np.floating):
        raise DataError(
            f"{path}: expected clouds (N, P, 3), features (N, F) or a matrix (N, N) of "
            f"floating point, found shape {found.shape} of {found.dtype}"
        )
    return found


def write_json(content: dict[str, Any], path: Path) -> Path:
    """Write a result."""
    path.write_text(json.dumps(content, indent=1) + "\n")
    return path

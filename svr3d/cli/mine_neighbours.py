# SPDX-License-Identifier: Apache-2.0
"""Write for each training image the images that look most like it."""

import argparse
import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from svr3d.engine.config import add_config_arguments
from svr3d.errors import ConfigError

FEATURES = ("encoder", "silhouette", "pixels")

_EPILOG = """examples:
  svr3d mine-neighbours work_dirs/ours_cc/iter_200001.pth
  svr3d mine-neighbours configs/ssl3d/ours_cc.py --features silhouette
The lists, knn_list_<category>.npy, are what neighbors=5 of ShapeNetDRC reads, and what
configs/ssl3d/ours_nn.py trains with. The last lines printed are their paths."""


def _parser() -> argparse.ArgumentParser:
    from svr3d.analysis.neighbor_images import PUBLISHED_COUNT

    parser = argparse.ArgumentParser(
        description="Write for each training image the images that look most like it.",
        usage="%(prog)s [CONFIG] [CHECKPOINT] [options]",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "files",
        nargs="+",
        metavar="[CONFIG] [CHECKPOINT]",
        help="a checkpoint, and before it a config if not the stored one is wanted; a "
        "config alone for features without a network",
    )
    parser.add_argument(
        "--features",
        choices=FEATURES,
        default="encoder",
        help="codes of the checkpoint's encoder (default), silhouette and shading at "
        "one scale and place, or the pixels themselves",
    )
    parser.add_argument(
        "--count",
        type=int,
        default=PUBLISHED_COUNT,
        help="neighbours of each image (default: %(default)s, or as many as there are)",
    )
    parser.add_argument("--out", help="folder of the lists (default: the data set's)")
    parser.add_argument("--device", default="cpu", help="where the encoder runs")
    parser.add_argument("--batch-size", type=int, default=64)
    add_config_arguments(parser)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Write the lists of a data set's training images.

    Args:
        argv: Arguments; those of the process if None.

    Returns:
        0.

    Raises:
        SVR3DError: If config, data or checkpoint are wrong, or images are too few.
    """
    parser = _parser()
    args = parser.parse_intermixed_args(argv)
    if args.count < 1:
        parser.error(f"--count: expected at least 1, found {args.count}")
    extractor, cfg = _source(args, parser)
    dataset = _dataset(cfg)

    import torch

    from svr3d.analysis.dispersion.image_dissimilarity import extract_features
    from svr3d.analysis.neighbor_images import nearest_images
    from svr3d.engine.runner import check_writable
    from svr3d.io.image_lists import write_neighbors

    folder = Path(check_writable(args.out or dataset.data_root))
    features = torch.from_numpy(
        extract_features(
            extractor,
            map(_view, dataset),
            batch_size=args.batch_size,
            device=args.device,
        )
    )
    names, ids = dataset.image_names, dataset.sample_ids
    for place, category in enumerate(dataset.metainfo["taxonomy_ids"]):
        own = [i for i, c in enumerate(dataset.category_ids) if c == place]
        if not own:
            continue
        count = min(args.count, max(len({ids[i] for i in own}) - 1, 1))
        if count < args.count:
            print(f"{category}: {count} neighbours, there are no more models")
        neighbors = nearest_images(
            features[own],
            [names[i] for i in own],
            [ids[i] for i in own],
            count=count,
        )
        path = folder / f"knn_list_{category}.npy"
        write_neighbors(path, neighbors)
        print(path)
    return 0


def _source(args: argparse.Namespace, parser: argparse.ArgumentParser) -> tuple:
    """Return the extractor of features and the config of the data."""
    from svr3d.analysis.dispersion.image_dissimilarity import (
        EncoderFeatures,
        PixelFeatures,
        SilhouetteFeatures,
    )
    from svr3d.cli.test import read_config
    from svr3d.engine.checkpoint import load_model
    from svr3d.engine.config import load_config

    if args.features != "encoder":
        if len(args.files) != 1:
            parser.error(
                f"--features {args.features}: expected one CONFIG, found "
                f"{' '.join(args.files)}"
            )
        kinds = {"silhouette": SilhouetteFeatures, "pixels": PixelFeatures}
        return kinds[args.features](), load_config(args.files[0], args.cfg_options)
    if len(args.files) > 2:
        parser.error(f"expected [CONFIG] CHECKPOINT, found {' '.join(args.files)}")
    model, _, _ = load_model(args.files[-1], args.device)
    cfg = read_config(args.files[:-1], args.files[-1], args.cfg_options)
    return EncoderFeatures(model), cfg


def _dataset(cfg: Any) -> Any:
    """Build the training data, without neighbours.

    Raises:
        ConfigError: If there are none, or their images have no names.
    """
    from svr3d.registry import DATASETS

    settings = (cfg.get("train_dataloader") or {}).get("dataset")
    if settings is None:
        raise ConfigError("train_dataloader.dataset: expected a data set, found none")
    settings = copy.deepcopy(settings)
    if "neighbors" in settings:
        settings["neighbors"] = 0
    dataset = DATASETS.build(settings)
    if not hasattr(dataset, "image_names"):
        raise ConfigError(
            "train_dataloader.dataset: expected one whose images have names, such as "
            f"ShapeNetDRC, found {type(dataset).__name__}"
        )
    return dataset


def _view(sample: dict[str, Any]) -> tuple:
    """Return the image (3, H, W) of a sample and its mask (1, H, W), if any."""
    mask = sample["masks"][0] if "masks" in sample else None
    if mask is not None and mask.ndim == 2:
        mask = mask[None]
    return sample["images"][0], mask


if __name__ == "__main__":
    from svr3d.cli.main import run

    run(main)

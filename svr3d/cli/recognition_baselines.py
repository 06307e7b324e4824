# SPDX-License-Identifier: Apache-2.0
"""Evaluate mean shapes and retrieval on the split of a config."""

import argparse
import json
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from svr3d.engine.config import add_config_arguments, check_config, load_config
from svr3d.errors import ConfigError, DataError

_EPILOG = """examples:
  svr3d recognition-baselines r2n2/res3dgru_synthetic.py
  svr3d recognition-baselines r2n2/res3dgru_custom.py --out baselines \\
      --cfg-options data_root=data/mine --results test/results/test_voxel.json
One JSON table per baseline, recognition_baselines.json with all of them, and a .csv
are written; for PointDistances also <baseline>/prediction.npy and gt.npy (N, P, 3).
The last line printed is the path of the results."""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description="Evaluate mean shapes and nearest-neighbour retrieval on the test "
        "split of a config: a network should beat them.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("config", metavar="CONFIG", help="path or shipped name")
    parser.add_argument(
        "--results",
        metavar="FILE.json",
        help="a network's table (results/test_voxel.json) to compare with",
    )
    parser.add_argument(
        "--out",
        metavar="DIR",
        help="folder of the results (default: work_dirs/<config>/baselines)",
    )
    parser.add_argument(
        "--metric",
        choices=("VoxelIoU", "PointIoU", "PointDistances"),
        default="VoxelIoU",
        help="which of the config's metrics counts (default: %(default)s)",
    )
    parser.add_argument(
        "--reference-views",
        type=int,
        default=0,
        metavar="N",
        help="views per training object that retrieval searches (default: all that "
        "training may draw)",
    )
    parser.add_argument(
        "--no-oracle",
        action="store_true",
        help="leave out the search for the best training shape (slow on large splits)",
    )
    clusters = parser.add_argument_group(
        "classifier of clusters (with --metric PointDistances)"
    )
    clusters.add_argument(
        "--clusters",
        type=int,
        metavar="K",
        help="cluster the training clouds by K-medoids and train a ResNet to tell the "
        "cluster (published: 500); it answers with the cluster's representative",
    )
    clusters.add_argument(
        "--cluster-epochs",
        type=int,
        default=30,
        metavar="N",
        help="passes over the training images (default: %(default)s)",
    )
    clusters.add_argument(
        "--cluster-depth",
        type=int,
        default=50,
        metavar="D",
        help="18, 34, 50 or 101 layers (default: %(default)s)",
    )
    clusters.add_argument(
        "--cluster-weights",
        metavar="FILE.pth",
        help="torchvision's weights of that ResNet (default: random)",
    )
    add_config_arguments(parser)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Evaluate the baselines and compare a network with them.

    Args:
        argv: Arguments; those of the process if None.

    Returns:
        0, also if the network does not beat them.

    Raises:
        SVR3DError: If config, data or results are wrong.
    """
    args = _parser().parse_args(argv)
    cfg = load_config(args.config, args.cfg_options)
    check_config(cfg)

    from svr3d.analysis.recognition_baselines import recognition_baselines
    from svr3d.engine.runner import check_writable, default_work_dir

    out = check_writable(args.out or default_work_dir(cfg) / "baselines")
    results = recognition_baselines(
        cfg,
        metric=args.metric,
        reference_views=args.reference_views,
        oracle=not args.no_oracle,
        clusters=_clusters(args),
        report=lambda message: print(message, flush=True),
    )
    print(results.summary().to_report())
    if args.results:
        table = _read_table(args.results)
        try:
            verdict = results.compare(table)
        except ValueError as error:
            raise ConfigError(f"--results {args.results}: {error}") from error
        print(f"\n{results.comparison.to_report()}\n\n{verdict}")
    print(_write(out, results))
    return 0


def _clusters(args: argparse.Namespace):
    if args.clusters is None:
        return None
    from svr3d.analysis.cluster_classifier import ClusterSettings

    try:
        return ClusterSettings(
            args.clusters,
            epochs=args.cluster_epochs,
            depth=args.cluster_depth,
            pretrained=args.cluster_weights,
        )
    except ValueError as error:
        raise ConfigError(f"--clusters, --cluster-epochs: {error}") from error


def _write(folder: Path, results) -> Path:
    for name, table in results.tables.items():
        stem = re.sub(r"\W+", "_", name).strip("_")
        table.to_json(folder / f"{stem}.json")
        if name in results.clouds:
            (folder / stem).mkdir(exist_ok=True)
            np.save(folder / stem / "prediction.npy", results.clouds[name])
    if "gt" in results.clouds:
        np.save(folder / "gt.npy", results.clouds["gt"])
    file = folder / "recognition_baselines.json"
    file.write_text(json.dumps(results.to_dict(), indent=2) + "\n")
    shown = results.comparison or results.summary()
    shown.to_csv(file.with_suffix(".csv"))
    return file


def _read_table(path: str):
    from svr3d.metrics import ResultTable

    try:
        return ResultTable.from_json(path)
    except FileNotFoundError as error:
        raise DataError(f"--results {path}: expected a file, found none") from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"--results {path}: expected a table as results/test_voxel.json, found "
            f"{type(error).__name__}: {error}"
        ) from error


if __name__ == "__main__":
    from svr3d.cli.main import run

    run(main)

# SPDX-License-Identifier: Apache-2.0
"""Measure how dispersed images, shapes or predictions are."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from svr3d.engine.config import add_config_arguments

if TYPE_CHECKING:
    from svr3d.cli.dispersion_sources import Measured

_CURVE = (2, 4, 6, 8, 10, 15, 20, 30, 40, 60, 80, 100)
_CURVE_SAMPLES = 2000
_GALLERY = 48
_EPILOG = """examples:
  svr3d dispersion-score images configs/atlasnet/atlasnet_narrow_custom.py \\
      --weights vgg16-397923af.pth -k 500
  svr3d dispersion-score shapes configs/r2n2/res3dgru_custom.py -k 50
  svr3d dispersion-score predictions work_dirs/first/last.pth -k 50
  svr3d dispersion-score array distances.npy -k 2 10 50 --seeds 0 1 2
dispersion.json and pictures are written. A matrix of distances that was interrupted
goes on where it stopped. Scores compare between sets of one kind, one number of points
and one k. The last line printed is the path of the result."""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description="Measure how dispersed images, shapes or predictions are (the "
        "Dispersion Score of Zhou et al., 3DV 2021).",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("set", choices=("images", "shapes", "predictions", "array"), metavar="SET")
    add(
        "source",
        nargs="+",
        metavar="SOURCE",
        help="images, shapes: CONFIG; predictions: [CONFIG] CHECKPOINT; array: a .npy "
        "or .npz of clouds (N, P, 3), features (N, F) or a matrix (N, N)",
    )
    add(
        "--split",
        choices=("train", "val", "test"),
        help="default: train, for predictions test",
    )
    add(
        "-k",
        "--clusters",
        type=int,
        nargs="+",
        metavar="K",
        help="numbers of clusters; the first is the result's (default: 500, or a tenth "
        "of the samples where that is less, but 2 at least)",
    )
    add("--seeds", type=int, nargs="+", default=[1], help="default: %(default)s")
    add("--method", choices=("k-medoids", "affinity"), default="k-medoids")
    add("--percentile", type=float, default=50.0, help="preference of 'affinity'")
    add("--num-points", type=int, default=2500, help="of a cloud (%(default)s)")
    add(
        "--points",
        choices=("vertices", "surface"),
        default="vertices",
        help="what counts of predicted meshes (default: %(default)s, as published)",
    )
    add("--threshold", type=float, help="surface of predicted grids and fields")
    add(
        "--keep-rotation",
        action="store_true",
        help="leave viewer-centred predictions as they are",
    )
    add("--max-samples", type=int, metavar="N", help="draw N samples")
    add("--sample-seed", type=int, default=0, help="of that draw (%(default)s)")
    add(
        "--features",
        default="perceptual",
        help="of images: perceptual (VGG-16), silhouette, pixels, encoder (of a "
        "checkpoint), or a part registered in MODELS (default: %(default)s)",
    )
    add(
        "--weights",
        metavar="FILE",
        help="torchvision's vgg16 state dict, or the checkpoint of 'encoder'",
    )
    add("--layer", default="relu3_3", help="of VGG-16 (default: %(default)s)")
    add("--pooling", choices=("max", "none"), default="max", help="over its channels")
    add(
        "--features-array",
        action="store_true",
        help="a square array holds features, not distances",
    )
    add("--device", default="cpu", help="where all is computed (%(default)s)")
    add("--cache", metavar="DIR", help="of the matrix (default: OUT/cache)")
    add("--out", metavar="DIR", help="default: beside the source")
    add("--no-figures", action="store_true", help="write no pictures")
    add_config_arguments(parser)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Measure one set.

    Args:
        argv: Arguments; those of the process if None.

    Returns:
        0.

    Raises:
        SVR3DError: If config, data, checkpoint, weights or options are wrong.
    """
    args = _parser().parse_args(argv)

    from svr3d.cli.dispersion_sources import measure, write_json
    from svr3d.engine.runner import check_writable

    out = check_writable(args.out or default_folder(args))
    measured = measure(args, out)
    result = diagnose(measured, args)
    if not args.no_figures:
        draw(measured, result, out)
    first = result["scores"][0]
    for score in result["scores"]:
        spread = f" +- {score['score_std']:.6g}" if len(args.seeds) > 1 else ""
        means = f"DS {score['score']:.6g}{spread}, S {score['sum']:.6g}"
        print(f"{score['label']}: {means}")
    print(f"{first['num_samples']} samples, {result['protocol']['distance']}")
    print(write_json(result, out / "dispersion.json"))
    return 0


def default_folder(args: argparse.Namespace) -> Path:
    """Return where results go if nobody says: beside what is measured."""
    name = f"{args.set}_{args.split}" if args.split else args.set
    source = Path(args.source[-1])
    if args.set == "array":
        return source.parent / f"{source.stem}_dispersion"
    if args.set == "predictions":
        return source.parent / "dispersion" / name
    return Path("work_dirs", source.stem, "dispersion", name)


def diagnose(measured: Measured, args: argparse.Namespace) -> dict[str, Any]:
    """Return the scores at all numbers of clusters, builtins only.

    Raises:
        ConfigError: If there are more clusters than samples.
    """
    from svr3d.analysis.dispersion import dispersion_score
    from svr3d.errors import ConfigError

    size = len(measured.distances)
    wanted = args.clusters or [min(500, max(2, size // 10))]
    wrong = [k for k in wanted if not 1 <= k <= size]
    if wrong and args.method == "k-medoids":
        raise ConfigError(
            f"--clusters: expected between 1 and the {size} samples, found {wrong[0]}"
        )
    settings = {"seeds": args.seeds, "method": args.method}
    if args.method == "affinity":
        wanted, settings["percentile"] = [None], args.percentile
    found = [
        dispersion_score(measured.distances, num_clusters=k, **settings) for k in wanted
    ]
    result: dict[str, Any] = {
        "score": found[0].score,
        "protocol": {**measured.facts, "method": args.method, "seeds": args.seeds},
        "scores": [
            {"clusters": len(score.clusterings[0].medoids), **score.to_dict()}
            for score in found
        ],
        "labels": found[0].clusterings[0].labels.tolist(),
        "names": measured.names,
    }
    if args.method == "k-medoids":
        numbers = set(wanted)
        if size <= _CURVE_SAMPLES:
            numbers |= {k for k in _CURVE if k < size}
        result["curve"] = [
            [k, dispersion_score(measured.distances, num_clusters=k, **settings).score]
            for k in sorted(numbers)
        ]
    return result


def draw(measured: Measured, result: dict[str, Any], out: Path) -> list[Path]:
    """Write the pictures of a result."""
    import numpy as np

    from svr3d.visualization import dispersion_figures as figures

    first = result["scores"][0]
    labels = np.array(result["labels"])
    clusters = first["seeds"][0]
    medoids = np.array(clusters["medoids"])
    title = (
        f"{result['protocol']['set']}: DS {first['score']:.4g}, {len(medoids)} clusters"
    )
    written = [
        figures.draw_sorted_matrix(
            measured.distances, labels, out / "matrix.png", title=title
        ),
        figures.draw_cluster_map(
            measured.distances, labels, medoids, out / "clusters.png", title=title
        ),
    ]
    if len(result.get("curve", ())) > 1:
        numbers, scores = zip(*result["curve"], strict=True)
        written.append(figures.draw_score_curve(numbers, scores, out / "curve.png"))
    if measured.picture is not None:
        sizes = np.array(clusters["cluster_sizes"])
        largest = np.argsort(-sizes, kind="stable")[:_GALLERY]
        pictures = [measured.picture(int(medoids[i])) for i in largest]
        written.append(
            figures.draw_medoids(pictures, sizes[largest], out / "medoids.png")
        )
    return written


if __name__ == "__main__":
    from svr3d.cli.main import run

    run(main)

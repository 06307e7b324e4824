# SPDX-License-Identifier: Apache-2.0
"""Draw what several trained models make of the same test samples."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from svr3d.engine.config_options import add_config_arguments, apply_options
from svr3d.errors import DataError

_EPILOG = """example:
  svr3d compare-shapes "3D-GRU=gru/best.pth" "mean=mean/best.pth" --samples 12 \\
      --out compared.png --cfg-options data_root=data/mine
Each model reads the samples through the test data set of its own config."""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description="Draw what several trained models make of the same test samples.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("models", nargs="+", metavar="LABEL=CHECKPOINT")
    parser.add_argument(
        "--samples", type=int, default=8, help="rows, spread evenly over the split"
    )
    parser.add_argument("--out", default="compared.png", help="picture to write")
    parser.add_argument("--device", default="cpu", help="cpu, cuda ... (default: cpu)")
    add_config_arguments(parser)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Write the picture.

    Args:
        argv: Arguments; those of the process if None.

    Returns:
        0.

    Raises:
        DataError: An argument has another form, or the models' test sets differ.
        CheckpointError: A checkpoint cannot be used.
    """
    args = _parser().parse_args(argv)
    if args.samples < 1:
        raise DataError(f"--samples: expected at least 1, found {args.samples}")
    pairs = [text.partition("=")[::2] for text in args.models]
    for text, (label, path) in zip(args.models, pairs, strict=True):
        if not (label and path):
            raise DataError(f"{text}: expected LABEL=CHECKPOINT")

    from svr3d.visualization import save_picture
    from svr3d.visualization.method_sheet import method_sheet

    predictions, first = {}, None
    for label, path in pairs:
        found = _predict(path, args)
        if first is None:
            first = found
        elif found["ids"] != first["ids"]:
            raise DataError(f"{label}: its test set has other samples than the first's")
        predictions[label] = found["shapes"]
    sheet = method_sheet(
        first["pictures"],
        first["targets"],
        predictions,
        titles=first["ids"],
        azimuths=first["azimuths"],
    )
    print(save_picture(sheet, args.out))
    return 0


def _predict(path: str, args: argparse.Namespace) -> dict[str, Any]:
    import torch
    from torch.utils.data import default_collate

    from svr3d.apis.reconstructor import Reconstructor
    from svr3d.registry import DATASETS
    from svr3d.structures import Voxels
    from svr3d.visualization import image_to_picture

    reconstructor = Reconstructor(path, device=args.device)
    config = reconstructor.config
    apply_options(config, args.cfg_options, verbose=False)
    dataset = DATASETS.build(config.test_dataloader.dataset)
    count = min(args.samples, len(dataset))
    chosen = [(2 * n + 1) * len(dataset) // (2 * count) for n in range(count)]
    found: dict[str, Any] = {
        key: [] for key in ("ids", "pictures", "targets", "shapes", "azimuths")
    }
    for index in chosen:
        sample = dataset[index]
        batch = default_collate([sample])
        with torch.no_grad():
            shape = reconstructor.model.test_step(batch).cpu()
        if hasattr(shape, "threshold"):
            shape.threshold = reconstructor.threshold
        found["ids"].append(str(sample["sample_id"]))
        found["pictures"].append(image_to_picture(sample["images"][0].numpy()))
        found["targets"].append(Voxels(sample["voxels"][None].float(), 0.5))
        found["shapes"].append(shape)
        angles = sample.get("view_angles")
        found["azimuths"].append(0.0 if angles is None else float(angles[0, 0]))
    return found

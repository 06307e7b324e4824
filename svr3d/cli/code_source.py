# SPDX-License-Identifier: Apache-2.0
"""Codes of a data set's split, for the commands that look at codes."""

from __future__ import annotations

import argparse
import copy
import hashlib
import inspect
from pathlib import Path
from typing import TYPE_CHECKING, Any

from svr3d.engine.config import add_config_arguments
from svr3d.errors import ConfigError, DataError

if TYPE_CHECKING:
    from svr3d.analysis.codes import CodeTable

_READ = 1 << 24  # bytes that are hashed at a time


def add_code_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that say which codes are wanted."""
    add = parser.add_argument
    add(
        "files",
        nargs="+",
        metavar="[CONFIG] CHECKPOINT",
        help="a checkpoint, and before it a config if not the stored one is wanted",
    )
    add(
        "--split",
        choices=("train", "val", "test"),
        default="test",
        help="default: %(default)s",
    )
    add(
        "--num-views",
        type=int,
        metavar="V",
        help="encode the first V views of each object, each by itself, where samples "
        "of the data set hold several (default: as the config has it)",
    )
    add("--max-samples", type=int, metavar="N", help="draw N samples")
    add("--sample-seed", type=int, default=0, help="of that draw (%(default)s)")
    add("--batch-size", type=int, default=32, help="samples at once (%(default)s)")
    add("--device", default="cpu", help="where codes are computed (%(default)s)")
    add(
        "--codes",
        metavar="FILE.npz",
        help="where codes are kept; those that are there are used if they are of this "
        "checkpoint and these samples (default: OUT/codes.npz)",
    )
    add("--out", metavar="DIR", help="default: a folder beside the checkpoint")
    add_config_arguments(parser)


def check_code_arguments(
    parser: argparse.ArgumentParser, args: argparse.Namespace
) -> None:
    """End with a message where an argument makes no sense."""
    if len(args.files) > 2:
        parser.error(f"expected [CONFIG] CHECKPOINT, found {' '.join(args.files)}")
    for name in ("num_views", "max_samples", "batch_size"):
        value = getattr(args, name)
        if value is not None and value < 1:
            option = name.replace("_", "-")
            parser.error(f"--{option}: expected at least 1, found {value}")


def output_folder(args: argparse.Namespace, name: str) -> Path:
    """Return the folder of the results, which can be written into."""
    from svr3d.engine.runner import check_writable

    checkpoint = Path(args.files[-1])
    return check_writable(args.out or checkpoint.parent / f"{name}_{args.split}")


def build_split(
    cfg: Any, split: str, *, num_views: int | None = None
) -> tuple[Any, dict[str, Any]]:
    """Build the data set of a split; its images are prepared as tests prepare them.

    Args:
        cfg: The config.
        split: 'train', 'val' or 'test'.
        num_views: The first views of each object, this many, are a sample; None leaves
            that to the config.

    Returns:
        The data set and its settings.

    Raises:
        ConfigError: If there is none, or its samples have one view and no choice.
    """
    from mmengine.registry import DefaultScope

    from svr3d.registry import DATASETS

    found = {}
    for name in {split, "test"}:
        found[name] = (cfg.get(f"{name}_dataloader") or {}).get("dataset")
    if found[split] is None:
        raise ConfigError(
            f"{split}_dataloader.dataset: expected a data set, found none"
        )
    settings = copy.deepcopy(found[split])
    if found["test"] is not None and "pipeline" in settings:
        settings["pipeline"] = copy.deepcopy(found["test"]["pipeline"])
    if num_views is not None:
        kind = settings["type"]
        kind = DATASETS.get(kind) if isinstance(kind, str) else kind
        if "num_views" not in inspect.signature(kind).parameters:
            raise ConfigError(
                f"--num-views {num_views}: expected a data set that takes num_views, "
                f"found {kind.__name__}"
            )
        settings |= {"num_views": num_views, "view_selection": "first"}
        settings.pop("view_ids", None)
    with DefaultScope.overwrite_default_scope("svr3d"):
        return DATASETS.build(copy.deepcopy(settings)), settings


def read_codes(args: argparse.Namespace, out: Path) -> CodeTable:
    """Return the codes of a split, from their file or from the model.

    Args:
        args: Of the command.
        out: Folder of its results.

    Raises:
        SVR3DError: If config, data or checkpoint are wrong, or the method has no code.
    """
    from mmengine.registry import MODELS, DefaultScope

    from svr3d.analysis.codes import CodeTable, encode_samples
    from svr3d.analysis.dispersion.inputs import choose_samples, read_samples
    from svr3d.cli.test import read_config
    from svr3d.engine.checkpoint import load_weights, read_checkpoint
    from svr3d.engine.config import check_config

    path = Path(args.codes) if args.codes else out / "codes.npz"
    checkpoint = args.files[-1]
    cfg = read_config(args.files[:-1], checkpoint, args.cfg_options)
    check_config(cfg)
    dataset, settings = build_split(cfg, args.split, num_views=args.num_views)
    indices = choose_samples(len(dataset), args.max_samples, seed=args.sample_seed)
    facts = {
        "checkpoint": Path(checkpoint).name,
        "sha256": _sha256(checkpoint),
        "split": args.split,
        "dataset": type(dataset).__name__,
        "dataset_settings": hashlib.sha256(repr(settings).encode()).hexdigest(),
        "samples_of_the_split": len(dataset),
        "samples": len(indices),
        "sample_seed": args.sample_seed,
    }
    if path.exists():
        kept = CodeTable.load(path)
        if kept.facts == facts:
            print(f"{len(kept)} codes of {path}")
            return kept
        if args.codes:
            raise DataError(
                f"--codes {path}: expected codes of {facts['checkpoint']} and these "
                f"samples, found those of {kept.facts.get('checkpoint', 'another')} or "
                "of other samples; name another file or remove this one"
            )
    content = read_checkpoint(checkpoint)
    with DefaultScope.overwrite_default_scope("svr3d"):
        model = MODELS.build(cfg.model)
    load_weights(model, content["state_dict"], source=checkpoint)
    table = encode_samples(
        model.to(args.device).eval(),
        read_samples(dataset, indices),
        batch_size=args.batch_size,
        total=len(indices),
        category_names=getattr(dataset, "metainfo", {}).get("categories", ()),
        facts=facts,
    )
    table.save(path)
    return table


def _sha256(path: str) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while part := file.read(_READ):
            digest.update(part)
    return digest.hexdigest()

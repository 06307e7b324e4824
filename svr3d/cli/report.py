# SPDX-License-Identifier: Apache-2.0
"""Write an HTML report of a work directory."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from svr3d.errors import DataError, SVR3DError

if TYPE_CHECKING:
    from mmengine.config import Config

_EPILOG = """example:
  svr3d report work_dirs/first --test work_dirs/first/test \\
      --baselines baselines --reconstructions outputs --out index.html
The page holds its pictures and can be opened without a network."""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description="Write an HTML report of a work directory.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("work_dir", help="folder of a training")
    parser.add_argument(
        "--test", metavar="DIR", help="folder of the test (default: WORK_DIR/test)"
    )
    parser.add_argument(
        "--baselines",
        nargs="+",
        default=[],
        metavar="PATH",
        help="JSON tables of baselines, or folders of them",
    )
    parser.add_argument(
        "--reconstructions", metavar="DIR", help="folder that 'reconstruct' wrote"
    )
    parser.add_argument(
        "--commands", metavar="FILE", help="text file with the commands of the run"
    )
    parser.add_argument("--title", default="", help="title of the page")
    parser.add_argument("--out", default="index.html", help="file to write")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Write the report.

    Args:
        argv: Arguments; those of the process if None.

    Returns:
        0.

    Raises:
        DataError: A given path does not exist, or there is nothing to report.
    """
    args = _parser().parse_args(argv)
    given = [args.work_dir, args.test, *args.baselines, args.reconstructions]
    for path in [*given, args.commands]:
        if path is not None and not Path(path).exists():
            raise DataError(f"{path}: expected a file or folder, found none")
    from svr3d.visualization.report import ReportSources, write_report

    work_dir = Path(args.work_dir)
    config, meta = _stored(work_dir)
    sources = ReportSources(
        work_dir=work_dir,
        test_dir=args.test and Path(args.test),
        baselines=[Path(path) for path in args.baselines],
        reconstructions=args.reconstructions and Path(args.reconstructions),
        config_text=meta.get("cfg", ""),
        settings=_settings(config, meta),
        commands=Path(args.commands).read_text() if args.commands else "",
    )
    try:
        out = write_report(sources, args.out, title=args.title)
    except OSError as error:
        raise DataError(f"--out {args.out}: {error.strerror or error}") from error
    print(out)
    return 0


def _stored(work_dir: Path) -> tuple[Config | None, dict[str, Any]]:
    """Return config and meta of the best checkpoint, or of the last one."""
    from svr3d.engine.checkpoint import (
        checkpoint_config,
        find_last_checkpoint,
        read_checkpoint,
    )

    best = sorted(work_dir.glob("best_*.pth"))
    path = best[-1] if best else find_last_checkpoint(work_dir)
    if path is None:
        return None, {}
    try:
        checkpoint = read_checkpoint(path)
        config = checkpoint_config(checkpoint, source=str(path))
    except SVR3DError:
        return None, {}  # The rest of the report does not need it.
    return config, {"checkpoint": path.name, **checkpoint.get("meta", {})}


def _settings(config: Config | None, meta: Mapping[str, Any]) -> dict[str, object]:
    """Return what a reader wants to know first."""
    if config is None:
        return {}
    settings: dict[str, object] = {"checkpoint": meta["checkpoint"]}
    for name in ("epoch", "iter", "seed"):
        if meta.get(name) is not None:
            settings[name] = meta[name]
    model = config.get("model", {})
    for name in ("backbone", "fusion", "head", "refiner"):
        part = model.get(name)
        if isinstance(part, Mapping):
            settings[name] = _describe(part)
    optimizer = config.get("optim_wrapper", {}).get("optimizer")
    if isinstance(optimizer, Mapping):
        settings["optimizer"] = _describe(optimizer)
    loader = config.get("train_dataloader", {})
    if "batch_size" in loader:
        settings["batch size"] = loader["batch_size"]
    dataset = loader.get("dataset", {})
    for name in ("num_views", "view_selection"):
        if name in dataset:
            settings[name.replace("_", " ")] = dataset[name]
    return settings


def _describe(part: Mapping[str, Any]) -> str:
    """Return a part on one line: ``Name(setting=value, ...)``, short values only."""
    kind = str(part.get("type", "")).rsplit(".", 1)[-1]
    values = [
        f"{name}={value}"
        for name, value in part.items()
        if name != "type" and len(str(value)) < 60
    ]
    return f"{kind}({', '.join(values)})"


if __name__ == "__main__":
    from svr3d.cli.main import run

    run(main)

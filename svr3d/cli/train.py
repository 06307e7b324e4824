# SPDX-License-Identifier: Apache-2.0
"""Train a model from a config."""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from svr3d.cli.launcher_arguments import add_launcher_arguments
from svr3d.engine.allocator import keep_freed_memory
from svr3d.engine.config import add_config_arguments, check_config, load_config
from svr3d.errors import ConfigError, NonFiniteLossError

INTERRUPTED = 130
NON_FINITE = "nonfinite_loss.json"
_EPILOG = """examples:
  svr3d train r2n2/res3dgru_synthetic.py --work-dir work_dirs/first
  svr3d train configs/r2n2/res3dgru_custom.py --cfg-options data_root=data/mine
  svr3d train r2n2/res3dgru_synthetic.py --resume     # go on where it stopped
Ctrl-C finishes the iteration, saves a checkpoint and exits with code 130. The last
line printed is the path of the checkpoint."""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description="Train a model from a config.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("config", help="path, or name of a shipped config")
    parser.add_argument(
        "--work-dir", help="where results go (default: work_dirs/<config name>)"
    )
    parser.add_argument(
        "--resume",
        nargs="?",
        const="auto",
        metavar="auto|PATH",
        help="go on from a checkpoint; auto: the last one of the work dir, if any",
    )
    parser.add_argument(
        "--load-from", metavar="PATH", help="start from the weights of a checkpoint"
    )
    parser.add_argument(
        "--amp",
        nargs="?",
        const="auto",
        choices=("auto", "fp16", "bf16"),
        help="mixed precision; auto: fp16 on GPUs, bf16 on CPUs",
    )
    parser.add_argument(
        "--compile", action="store_true", help="compile the model's parts with torch"
    )
    parser.add_argument("--seed", type=int, help="seed of the run")
    parser.add_argument(
        "--deterministic", action="store_true", help="only deterministic algorithms"
    )
    add_launcher_arguments(parser, "tools/dist_train.sh")
    add_config_arguments(parser)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Train.

    Args:
        argv: Arguments; those of the process if None.

    Returns:
        0, or 130 if a signal ended the run.

    Raises:
        SVR3DError: If config, data, checkpoint or work directory are wrong.
        NonFiniteLossError: If the loss became NaN or infinite.
    """
    args = _parser().parse_args(argv)
    is_main = os.environ.get("RANK", "0") == "0"
    allocator = keep_freed_memory()
    cfg = load_config(args.config, args.cfg_options)
    if not cfg.get("train_dataloader"):
        raise ConfigError(
            f"{args.config}: expected a train_dataloader, found none: it only tests"
        )

    from svr3d.engine.compat import finish_processes
    from svr3d.engine.exact_runner import RunInterrupted
    from svr3d.engine.runner import (
        build_runner,
        check_writable,
        default_work_dir,
        prepare_config,
    )

    work_dir = check_writable(args.work_dir or default_work_dir(cfg))
    check_config(cfg)
    cfg = prepare_config(
        cfg,
        work_dir=work_dir,
        resume=args.resume,
        load_from=args.load_from,
        amp=args.amp,
        seed=args.seed,
        deterministic=args.deterministic,
        launcher=args.launcher,
    )
    runner = build_runner(cfg, compile_model=args.compile)
    runner.logger.info(allocator)
    try:
        runner.train()
    except RunInterrupted as interrupt:
        if is_main:
            print(f"interrupted; --resume auto goes on from\n{interrupt.checkpoint}")
        return finish_processes(INTERRUPTED)
    except NonFiniteLossError as error:
        raise _report(error, runner, is_main) from error
    if is_main:
        hub = runner.message_hub
        print(hub.get_info("best_ckpt") or hub.get_info("last_ckpt") or work_dir)
    return finish_processes()


def _report(error: NonFiniteLossError, runner, is_main: bool) -> NonFiniteLossError:
    """Write the samples of a bad batch down, and say what can be done."""
    file = Path(runner.work_dir, NON_FINITE)
    last = runner.message_hub.get_info("last_ckpt")
    if is_main:
        record = {
            "message": str(error),
            "sample_ids": error.sample_ids,
            "epoch": runner.epoch,
            "iteration": runner.iter,
        }
        file.write_text(json.dumps(record, indent=2) + "\n")
    else:  # one message is enough
        sys.stderr = open(os.devnull, "w")
    kept = f"the last good checkpoint is {last}" if last else "no checkpoint was saved"
    return NonFiniteLossError(
        f"{error}\niteration {runner.iter}; {kept}; the samples are in {file}",
        sample_ids=error.sample_ids,
    )


if __name__ == "__main__":
    from svr3d.cli.main import run

    run(main)

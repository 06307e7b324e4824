# SPDX-License-Identifier: Apache-2.0
"""Times the decoding of 100,000 points against the plain form of the decoder.

Both have the same weights, and their logits must agree first. The allocator's policy
holds for the whole process, so each run states it.

Example: python tests/benchmarks/bench_occnet_decode.py --threads 2 --keep
"""

import argparse

import torch
from harness import alternate, finish, parse
from mmengine.registry import MODELS
from plain_onet import PlainDecoder, make_lively

from svr3d.converters.occnet import convert_occnet
from svr3d.engine.allocator import keep_freed_memory
from svr3d.registry import import_parts

POINTS = 100_000
NAMES = "head.decoder."


def ours(plain: PlainDecoder):
    """Our decoder with the peer's weights."""
    decoder = MODELS.build(
        dict(type="CBNDecoder", code_features=256, hidden_features=256)
    )
    state = {f"decoder.{name}": value for name, value in plain.state_dict().items()}
    target = {f"{NAMES}{name}": value for name, value in decoder.state_dict().items()}
    converted = convert_occnet(state, target)
    decoder.load_state_dict(
        {name.removeprefix(NAMES): value for name, value in converted.items()}
    )
    return decoder.eval()


def main(argv: list[str] | None = None) -> int:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--keep", action="store_true", help="keep freed memory")
    own, rest = parser.parse_known_args(argv)
    arguments = parse(rest, __doc__.splitlines()[0])
    print(keep_freed_memory() if own.keep else "allocator: as it comes")
    import_parts()
    plain = PlainDecoder().eval()
    make_lively(plain)
    decoder = ours(plain)
    points, code = torch.rand(1, POINTS, 3) - 0.5, torch.randn(1, 256)
    latent = code[:, :0]

    def theirs() -> torch.Tensor:
        with torch.no_grad():
            return plain(points, code)

    def mine() -> torch.Tensor:
        with torch.no_grad():
            return decoder.evaluate(points, latent, code)

    def half() -> torch.Tensor:
        with torch.autocast("cpu", torch.bfloat16):
            return mine()

    expected = theirs()
    error = (mine() - expected).abs().max().item()
    torch.testing.assert_close(mine(), expected, rtol=1e-4, atol=1e-4)
    print(f"svr3d: agrees, largest difference {error:.1e}")
    changed = ((half() > 0) != (expected > 0)).float().mean().item()
    error = (half() - expected).norm() / expected.norm()
    print(f"bf16: difference {error:.1e} of the norm, {changed:.2%} of signs differ")
    rows: list[dict] = []
    case = f"decode {POINTS} points, {'kept' if own.keep else 'as it comes'}"
    peers = {"plain form": theirs, "svr3d": mine, "svr3d bf16": half}
    alternate(case, peers, arguments.repeat, rows, threads=arguments.threads)
    return finish(arguments, rows)


if __name__ == "__main__":
    raise SystemExit(main())

# SPDX-License-Identifier: Apache-2.0
"""Times the extraction of meshes from an occupancy network, the decoder apart.

The decoder is that of the published network (5 conditional blocks of 256 features) on a
code that makes a bumpy ball of it: its last layer's answer is added to one in closed
form, so that the surface, and with it the points that are evaluated, is that of an
object. Example: python tests/benchmarks/bench_extraction.py --threads 2
"""

import time

import torch
from harness import alternate, finish, parse
from mmengine.registry import MODELS

import svr3d.models  # noqa: F401  registers the parts
from svr3d.structures import ExtractionSettings, OccupancyField

FINE = ExtractionSettings(32, 2)
CASES = {
    "32 to 128, 1 object": (FINE, 1),
    "32 to 128, 4 objects": (FINE, 4),
    "64 to 256, 1 object": (ExtractionSettings(64, 2), 1),
}


def bumpy_ball(points: torch.Tensor) -> torch.Tensor:
    x, y, z = (2 * points).unbind(-1)
    bumps = 0.08 * torch.sin(6 * x) * torch.sin(5 * y) * torch.sin(7 * z)
    return 30 * (0.7 + bumps - (x * x + y * y + z * z).sqrt())


class Timed:
    """A decoder that counts its points and its seconds."""

    def __init__(self):
        torch.manual_seed(0)
        part = dict(type="CBNDecoder", code_features=256, hidden_features=256)
        self.decoder = MODELS.build(part).eval()
        self.seconds, self.points = 0.0, 0

    def __call__(self, codes: torch.Tensor, points: torch.Tensor) -> torch.Tensor:
        start = time.perf_counter()
        logits = self.decoder.evaluate(points, codes[:, :0], codes)
        logits = bumpy_ball(points) + 0.01 * logits
        self.seconds += time.perf_counter() - start
        self.points += points.shape[0] * points.shape[1]
        return logits

    def field(self, batch: int, settings: ExtractionSettings, chunk: int):
        codes = torch.randn(batch, 256, generator=torch.Generator().manual_seed(1))
        return OccupancyField(
            codes,
            lambda *parts: torch.sigmoid(self(*parts)),
            chunk,
            0.2,
            decode_logits=self,
            extraction=settings,
        )


def main(argv: list[str] | None = None) -> int:
    """Runs the benchmark."""
    arguments = parse(argv, __doc__.splitlines()[0])
    rows: list[dict] = []
    decoder = Timed()
    for name, (settings, batch) in CASES.items():
        field = decoder.field(batch, settings, 100_000)
        decoder.points = 0
        mesh = field.to_mesh()
        row = {"case": name, "points": decoder.points}
        row["faces"] = sum(map(len, mesh.faces))
        shares = []
        for _ in range(arguments.repeat):
            decoder.seconds = 0.0
            start = time.perf_counter()
            field.to_mesh()
            total = time.perf_counter() - start
            shares.append((1 - decoder.seconds / total, total))
        share, total = sorted(shares)[len(shares) // 2]
        rows.append(row | {"ms": 1e3 * total, "share_beside_decoder": share})
        print(
            f"{name}: {row['points']} points, {row['faces']} faces, {total:.2f} s, "
            f"{100 * share:.1f} % of it not the decoder's",
            flush=True,
        )
    field = decoder.field(1, FINE, 100_000)
    smaller = decoder.field(1, FINE, 16_384)
    peers = {
        "100,000 points at once": field.to_mesh,
        "16,384 points at once": smaller.to_mesh,
    }
    repeat, threads = arguments.repeat, arguments.threads
    alternate("32 to 128 by chunks", peers, repeat, rows, threads=threads)
    return finish(arguments, rows)


if __name__ == "__main__":
    raise SystemExit(main())

# SPDX-License-Identifier: Apache-2.0
"""Times marching cubes against other libraries, whose counts must agree.

Example: python tests/benchmarks/bench_marching_cubes.py --threads 1
"""

import importlib.util

import torch
from harness import alternate, finish, parse

from svr3d.ops import marching_cubes


def bumpy_ball(size: int) -> torch.Tensor:
    axis = torch.linspace(-1, 1, size)
    x, y, z = torch.meshgrid(axis, axis, axis, indexing="ij")
    bumps = 0.08 * torch.sin(6 * x) * torch.sin(5 * y) * torch.sin(7 * z)
    return 0.7 + bumps - (x * x + y * y + z * z).sqrt()


def vtk_peer(volume):
    import vtk
    from vtk.util.numpy_support import numpy_to_vtk, vtk_to_numpy

    image = vtk.vtkImageData()
    image.SetDimensions(*volume.shape)
    image.GetPointData().SetScalars(numpy_to_vtk(volume.ravel(), deep=True))

    def run():
        edges = vtk.vtkFlyingEdges3D()
        edges.SetInputData(image)
        edges.SetValue(0, 0.0)
        for part in ("Normals", "Gradients", "Scalars"):
            getattr(edges, f"Compute{part}Off")()
        edges.Update()
        surface = edges.GetOutput()
        points = vtk_to_numpy(surface.GetPoints().GetData())
        return points, vtk_to_numpy(surface.GetPolys().GetConnectivityArray())

    return run


def peers_of(volume: torch.Tensor) -> dict:
    array, batch = volume.numpy(), volume[None]
    peers = {"svr3d": lambda: [part[0] for part in marching_cubes(batch)]}
    if importlib.util.find_spec("skimage"):
        from skimage.measure import marching_cubes as skimage_cubes

        peers["scikit-image"] = lambda: skimage_cubes(array, 0.0)
    if importlib.util.find_spec("vtk"):
        peers["VTK flying edges"] = vtk_peer(array)
    else:
        print("VTK: not installed")
    return peers


def main(argv: list[str] | None = None) -> int:
    """Runs the benchmark."""
    arguments = parse(argv, __doc__.splitlines()[0])
    rows: list[dict] = []
    for size in (128, 256):
        peers = peers_of(bumpy_ball(size))
        counts = {len(run()[0]) for run in peers.values()}
        if len(counts) > 1:
            raise SystemExit(f"numbers of vertices differ: {sorted(counts)}")
        alternate(
            f"marching cubes {size}^3",
            peers,
            arguments.repeat,
            rows,
            threads=arguments.threads,
        )
    return finish(arguments, rows)


if __name__ == "__main__":
    raise SystemExit(main())

# SPDX-License-Identifier: Apache-2.0
"""Times rasterisation and colour rendering against the torch twin and ray casting.

Example: python tests/benchmarks/bench_rasterize.py --threads 1 --json rasterize.json
"""

import importlib.util

import numpy as np
from harness import finish, meshes, parse, race
from shapes import orbit

from svr3d.io.mesh_data import MeshData
from svr3d.ops import rasterize_meshes
from svr3d.ops._torch.rasterize_meshes import rasterize_meshes_torch
from svr3d.renderers import ColorRenderer

VIEWS = 24
SIZE = 137
TWIN_FACES = 5000  # the twin takes minutes beyond this


def raster_peers(vertices, faces, cameras, size: int) -> dict:
    def ours():
        return rasterize_meshes(vertices, faces, *cameras, height=size, width=size)

    def twin():
        one = (camera[:1] for camera in cameras)
        return rasterize_meshes_torch(
            vertices, faces, *one, size, size, 1e-3, float("inf"), False
        )

    peers = {"svr3d": ours}
    if len(faces) <= TWIN_FACES:
        peers["torch twin, 1 view"] = twin
    if importlib.util.find_spec("open3d"):
        import open3d

        scene = open3d.t.geometry.RaycastingScene()
        scene.add_triangles(
            vertices.numpy().astype(np.float32), faces.numpy().astype(np.uint32)
        )

        def cast():
            bottom = np.array([[[0, 0, 0, 1.0]]])
            for extrinsic, intrinsic in zip(*cameras, strict=True):
                matrix = np.concatenate([extrinsic.numpy(), bottom[0]])
                rays = scene.create_rays_pinhole(intrinsic.numpy(), matrix, size, size)
                scene.cast_rays(rays)

        peers["open3d cast_rays"] = cast
    return peers


def color_peers(mesh: MeshData, cameras) -> dict:
    def peer(samples: int):
        renderer = ColorRenderer(SIZE, SIZE, supersample=samples)
        return lambda: renderer.render(mesh, *cameras)

    return {f"svr3d colour {samples}x{samples}": peer(samples) for samples in (4, 3)}


def main(argv: list[str] | None = None) -> int:
    """Runs the benchmark."""
    arguments = parse(argv, __doc__.splitlines()[0])
    rows: list[dict] = []
    for name, (vertices, faces) in meshes(arguments.mesh).items():
        for size in (SIZE, 512):
            cameras = orbit(VIEWS, size, size)
            case = f"{name} {VIEWS} x {size}^2"
            race(
                case,
                raster_peers(vertices, faces, cameras, size),
                arguments.repeat,
                rows,
            )
        cameras = orbit(VIEWS, SIZE, SIZE)
        peers = color_peers(MeshData(vertices.numpy(), faces.numpy()), cameras)
        race(f"{name} {VIEWS} x {SIZE}^2 RGBA", peers, arguments.repeat, rows)
    return finish(arguments, rows)


if __name__ == "__main__":
    raise SystemExit(main())

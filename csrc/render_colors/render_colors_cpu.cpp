// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "../common/tensor.h"
#include "../rasterize_meshes/scan.h"
#include "render_colors.h"

namespace svr3d {
namespace {

// Texels below this alpha are holes: leaves and fences drawn as cut-outs.
constexpr float kHole = 128.0f;

struct Scene {
  const double* vertices;
  const int64_t* faces;
  const float* colors;  // (F, 3, 4), 0 to 255
  const float* uv;      // (F, 3, 2)
  const int64_t* face_texture;
  std::vector<Texture> textures;
  std::vector<bool> has_holes;
  std::vector<Vec3<float>> normals;

  Rgba texture_at(int64_t face, const double* weights, double z) const {
    const float* c = uv + 6 * face;
    float u = 0, v = 0;
    for (int i = 0; i < 3; ++i) {
      u += static_cast<float>(weights[i] * z) * c[2 * i];
      v += static_cast<float>(weights[i] * z) * c[2 * i + 1];
    }
    return sample_texture(textures[face_texture[face]], u, v);
  }
};

class TextureHoles : public HoleTest {
 public:
  explicit TextureHoles(const Scene& scene) : scene_(scene) {}
  bool applies(int64_t face) const override {
    const int64_t t = scene_.face_texture[face];
    return t >= 0 && scene_.has_holes[t];
  }
  bool is_hole(int64_t face, const double* weights, double z) const override {
    return scene_.texture_at(face, weights, z).a < kHole;
  }

 private:
  const Scene& scene_;
};

Rgba shade(const Scene& scene, const RasterTriangle& t, int64_t face, double x,
           double y, const Vec3<double>& eye, float ambient) {
  double b[3];
  for (int i = 0; i < 3; ++i) b[i] = t.a[i] * x + (t.b[i] * y + t.c[i]);
  const double z = 1 / (b[0] + b[1] + b[2]);
  Rgba color = {0, 0, 0, 255};
  Vec3<double> hit = {0, 0, 0};
  const float* corner = scene.colors + 12 * face;
  for (int i = 0; i < 3; ++i) {
    const double w = b[i] * z;
    const float s = static_cast<float>(w);
    color.r += s * corner[4 * i];
    color.g += s * corner[4 * i + 1];
    color.b += s * corner[4 * i + 2];
    hit = hit + load3(scene.vertices + 3 * scene.faces[3 * face + i]) * w;
  }
  if (scene.face_texture[face] >= 0) {
    const Rgba texel = scene.texture_at(face, b, z);
    color.r *= texel.r / 255;
    color.g *= texel.g / 255;
    color.b *= texel.b / 255;
  }
  const Vec3<double> d = eye - hit;
  const float light =
      headlight(scene.normals[face],
                {static_cast<float>(d.x), static_cast<float>(d.y),
                 static_cast<float>(d.z)},
                ambient);
  return {color.r * light, color.g * light, color.b * light, 255};
}

uint8_t to_byte(float value) {
  return static_cast<uint8_t>(std::min(std::max(value + 0.5f, 0.0f), 255.0f));
}

// Averages the samples of each pixel: straight colour, alpha is the covered share.
void resolve(const Scene& scene, const HitBuffer& hits,
             const std::vector<RasterTriangle>& triangles, const Vec3<double>& eye,
             float ambient, int height, int width, int s, uint8_t* image) {
  std::fill(image, image + int64_t(4) * height * width, uint8_t{0});
  if (hits.y0 >= hits.y1) return;
  const int bottom = (hits.y1 + s - 1) / s, right = (hits.x1 + s - 1) / s;
  for (int y = hits.y0 / s; y < bottom; ++y) {
    for (int x = hits.x0 / s; x < right; ++x) {
      Rgba sum = {0, 0, 0, 0};
      int count = 0;
      for (int j = y * s; j < (y + 1) * s; ++j) {
        const int64_t row = int64_t(j) * hits.stride;
        for (int i = x * s; i < (x + 1) * s; ++i) {
          if (!(hits.closeness[row + i] > 0)) continue;
          const RasterTriangle& t = triangles[hits.slot[row + i]];
          const Rgba c = shade(scene, t, t.face, i + 0.5, j + 0.5, eye, ambient);
          sum.r += c.r;
          sum.g += c.g;
          sum.b += c.b;
          ++count;
        }
      }
      if (count == 0) continue;
      uint8_t* pixel = image + 4 * (int64_t(y) * width + x);
      pixel[0] = to_byte(sum.r / count);
      pixel[1] = to_byte(sum.g / count);
      pixel[2] = to_byte(sum.b / count);
      pixel[3] = to_byte(255.0f * count / (s * s));
    }
  }
}

// Camera centre in the object frame: the point that the camera maps to zero.
Vec3<double> camera_centre(const RasterCamera& camera) {
  const Vec3<double> row[3] = {load3(camera.r), load3(camera.r + 3),
                               load3(camera.r + 6)};
  const double det = dot(row[0], cross(row[1], row[2]));
  const Vec3<double> sum = cross(row[1], row[2]) * camera.t[0] +
                           cross(row[2], row[0]) * camera.t[1] +
                           cross(row[0], row[1]) * camera.t[2];
  return sum * (-1 / det);
}

Scene load_scene(const Tensor& vertices, const Tensor& faces, const Tensor& colors,
                 const Tensor& uv, const Tensor& face_texture, const Tensor& texels,
                 const Tensor& texture_sizes) {
  Scene scene{vertices.const_data_ptr<double>(), faces.const_data_ptr<int64_t>(),
              colors.const_data_ptr<float>(),    uv.const_data_ptr<float>(),
              face_texture.const_data_ptr<int64_t>()};
  const uint8_t* bytes = texels.const_data_ptr<uint8_t>();
  const int64_t* sizes = texture_sizes.const_data_ptr<int64_t>();
  int64_t offset = 0;
  for (int64_t t = 0; t < texture_sizes.size(0); ++t) {
    const int64_t h = sizes[2 * t], w = sizes[2 * t + 1];
    STD_TORCH_CHECK(h > 0 && w > 0 && h < (1 << 20) && w < (1 << 20) &&
                        offset + h * w <= texels.size(0),
                    "texture_sizes do not fit texels");
    scene.textures.push_back(
        {bytes + 4 * offset, static_cast<int>(h), static_cast<int>(w)});
    bool holes = false;
    for (int64_t i = offset; i < offset + h * w; ++i)
      holes = holes || bytes[4 * i + 3] < kHole;
    scene.has_holes.push_back(holes);
    offset += h * w;
  }
  for (int64_t f = 0; f < faces.size(0); ++f) {
    STD_TORCH_CHECK(scene.face_texture[f] < texture_sizes.size(0),
                    "face_texture must be below ", texture_sizes.size(0), ", found ",
                    scene.face_texture[f]);
    const Vec3<double> a = load3(scene.vertices + 3 * scene.faces[3 * f]);
    const Vec3<double> b = load3(scene.vertices + 3 * scene.faces[3 * f + 1]);
    const Vec3<double> c = load3(scene.vertices + 3 * scene.faces[3 * f + 2]);
    const Vec3<double> n = cross(b - a, c - a);
    const double length = std::sqrt(dot(n, n));
    const double scale = length > 0 ? 1 / length : 0;
    scene.normals.push_back({static_cast<float>(n.x * scale),
                             static_cast<float>(n.y * scale),
                             static_cast<float>(n.z * scale)});
  }
  return scene;
}

Tensor render_colors(Tensor vertices, Tensor faces, Tensor extrinsics,
                     Tensor intrinsics, Tensor corner_colors, Tensor corner_uv,
                     Tensor face_texture, Tensor texels, Tensor texture_sizes,
                     int64_t height, int64_t width, int64_t supersample,
                     double ambient, double near) {
  check_tensor(vertices, "vertices", ScalarType::Double, {-1, 3});
  check_tensor(faces, "faces", ScalarType::Long, {-1, 3});
  const int64_t views = extrinsics.size(0), count = faces.size(0);
  check_tensor(extrinsics, "extrinsics", ScalarType::Double, {-1, 3, 4});
  check_tensor(intrinsics, "intrinsics", ScalarType::Double, {views, 3, 3});
  check_tensor(corner_colors, "corner_colors", ScalarType::Float, {count, 3, 4});
  check_tensor(corner_uv, "corner_uv", ScalarType::Float, {count, 3, 2});
  check_tensor(face_texture, "face_texture", ScalarType::Long, {count});
  check_tensor(texels, "texels", ScalarType::Byte, {-1, 4});
  check_tensor(texture_sizes, "texture_sizes", ScalarType::Long, {-1, 2});
  STD_TORCH_CHECK(height > 0 && width > 0 && supersample > 0 &&
                      height * supersample < (1 << 20) &&
                      width * supersample < (1 << 20),
                  "height, width and supersample must be positive");
  STD_TORCH_CHECK(near > 0, "near must be positive, found ", near);
  for (Tensor* tensor : {&vertices, &faces, &extrinsics, &intrinsics, &corner_colors,
                         &corner_uv, &face_texture, &texels, &texture_sizes})
    *tensor = torch::stable::contiguous(*tensor);
  check_faces(faces, vertices.size(0));
  const Scene scene = load_scene(vertices, faces, corner_colors, corner_uv,
                                 face_texture, texels, texture_sizes);
  const TextureHoles holes(scene);
  Tensor images = new_tensor(vertices, {views, height, width, 4}, ScalarType::Byte);
  uint8_t* out = images.mutable_data_ptr<uint8_t>();
  const double* extrinsic = extrinsics.const_data_ptr<double>();
  const double* intrinsic = intrinsics.const_data_ptr<double>();
  const int64_t num_vertices = vertices.size(0);
  const int h = static_cast<int>(height), w = static_cast<int>(width);
  const int s = static_cast<int>(supersample);
  torch::stable::parallel_for(0, views, 1, [&](int64_t begin, int64_t end) {
    HitBuffer hits;
    ViewVertices corners;
    std::vector<RasterTriangle> triangles;
    for (int64_t view = begin; view < end; ++view) {
      RasterCamera camera = load_camera(extrinsic + 12 * view, intrinsic + 9 * view);
      for (int i = 0; i < 6; ++i) camera.k[i] *= s;
      hits.reset(h * s, w * s);
      rasterize_view(camera, scene.vertices, num_vertices, scene.faces, count, near,
                     INFINITY, false, &holes, corners, triangles, hits);
      resolve(scene, hits, triangles, camera_centre(camera),
              static_cast<float>(ambient), h, w, s, out + 4 * height * width * view);
    }
  });
  return images;
}

}  // namespace
}  // namespace svr3d

STABLE_TORCH_LIBRARY_IMPL(svr3d, CPU, m) {
  m.impl("render_colors", TORCH_BOX(&svr3d::render_colors));
}

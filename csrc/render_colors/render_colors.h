// SPDX-License-Identifier: Apache-2.0
// Colour of one hit: corner colours or texture, lit by a lamp at the camera.
#pragma once

#include <math.h>
#include <stdint.h>

#include "../common/vec3.h"

namespace svr3d {

struct Texture {
  const uint8_t* texels;  // RGBA, first row on top
  int height, width;
};

struct Rgba {
  float r, g, b, a;  // 0 to 255
};

SVR3D_HD Rgba texel(const Texture& t, int x, int y) {
  const uint8_t* p = t.texels + 4 * (int64_t(y) * t.width + x);
  return {float(p[0]), float(p[1]), float(p[2]), float(p[3])};
}

SVR3D_HD Rgba mix(const Rgba& a, const Rgba& b, float s) {
  return {a.r + s * (b.r - a.r), a.g + s * (b.g - a.g), a.b + s * (b.b - a.b),
          a.a + s * (b.a - a.a)};
}

// Bilinear look-up; (0, 0) is the image's lower left corner, values wrap around.
SVR3D_HD Rgba sample_texture(const Texture& t, float u, float v) {
  u = (u - floorf(u)) * t.width - 0.5f;
  v = (1 - (v - floorf(v))) * t.height - 0.5f;
  const float x = floorf(u), y = floorf(v);
  const int x0 = (int(x) + t.width) % t.width, x1 = (x0 + 1) % t.width;
  const int y0 = (int(y) + t.height) % t.height, y1 = (y0 + 1) % t.height;
  const Rgba top = mix(texel(t, x0, y0), texel(t, x1, y0), u - x);
  const Rgba bottom = mix(texel(t, x0, y1), texel(t, x1, y1), u - x);
  return mix(top, bottom, v - y);
}

// Light that a surface reflects to the lamp beside the eye, from either side.
SVR3D_HD float headlight(const Vec3<float>& normal, const Vec3<float>& to_eye,
                         float ambient) {
  const float length = sqrtf(dot(to_eye, to_eye));
  const float cosine = fabsf(dot(normal, to_eye)) / (length > 0 ? length : 1.0f);
  return ambient + (1 - ambient) * (cosine < 1 ? cosine : 1.0f);
}

}  // namespace svr3d

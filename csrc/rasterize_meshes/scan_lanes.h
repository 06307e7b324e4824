// SPDX-License-Identifier: Apache-2.0
// The hot loop of the rasteriser: eight pixels of a row at a time. Included once per
// instruction set (common/lanes_per_set.h); all give the same results.

constexpr int kChunk = 8;  // pixels that are tested at once
constexpr int kWide = 32;  // from here on, rows are clipped to the triangle first

#ifdef __GNUC__
typedef double Reals __attribute__((vector_size(64)));
typedef float Floats __attribute__((vector_size(32)));
typedef int32_t Ints __attribute__((vector_size(32)));
#endif

// Offers a face to the pixels [first, first + kChunk) of a row. Those that the face
// does not cover fail the test; those beyond the image lie in the row's spare part.
// Returns whether it hits.
inline bool offer(const RasterTriangle& t, const double row[3], int first, int32_t slot,
                  float nearest, float farthest, float* closeness, int32_t* slots) {
#ifdef __GNUC__
  const Reals centre = Reals{0.5, 1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7.5} + first;
  const Reals b0 = t.a[0] * centre + row[0];
  const Reals b1 = t.a[1] * centre + row[1];
  const Reals b2 = t.a[2] * centre + row[2];
  const Floats w = __builtin_convertvector(b0 + b1 + b2, Floats);
  Floats old;
  Ints owner;
  std::memcpy(&old, closeness, sizeof(old));
  std::memcpy(&owner, slots, sizeof(owner));
  const auto inside = (b0 >= 0.0) & (b1 >= 0.0) & (b2 >= 0.0);
  const Ints hit = __builtin_convertvector(inside, Ints) & (w > old) & (w <= nearest) &
                   (w >= farthest);
  const Floats nearer = hit ? w : old;
  const Ints winner = hit ? Ints{} + slot : owner;
  std::memcpy(closeness, &nearer, sizeof(nearer));
  std::memcpy(slots, &winner, sizeof(winner));
  int64_t any[4];
  std::memcpy(any, &hit, sizeof(any));
  return (any[0] | any[1] | any[2] | any[3]) != 0;
#else
  bool any = false;
  for (int lane = 0; lane < kChunk; ++lane) {
    const double centre = first + lane + 0.5;
    const double b0 = t.a[0] * centre + row[0];
    const double b1 = t.a[1] * centre + row[1];
    const double b2 = t.a[2] * centre + row[2];
    const float w = static_cast<float>(b0 + b1 + b2);
    if (!(b0 >= 0 && b1 >= 0 && b2 >= 0 && w > closeness[lane] && w <= nearest &&
          w >= farthest))
      continue;
    closeness[lane] = w;
    slots[lane] = slot;
    any = true;
  }
  return any;
#endif
}

// Returns whether the triangle hits a pixel.
inline bool scan_triangle(const RasterTriangle& t, int32_t slot, float nearest,
                          float farthest, HitBuffer& hits) {
  bool any = false;
  const bool wide = t.x1 - t.x0 >= kWide;
  for (int y = t.y0; y < t.y1; ++y) {
    double row[3];
    int begin = t.x0, end = t.x1;
    for (int i = 0; i < 3; ++i) row[i] = t.b[i] * (y + 0.5) + t.c[i];
    for (int i = 0; wide && i < 3; ++i) clip_span(t.a[i], row[i], begin, end);
    const int64_t start = int64_t(y) * hits.stride;
    for (int first = begin; first < end; first += kChunk)
      any |= offer(t, row, first, slot, nearest, farthest,
                   hits.closeness.data() + start + first,
                   hits.slot.data() + start + first);
  }
  return any;
}

// SPDX-License-Identifier: Apache-2.0
// Splatting over each point's own window of pixels. Images, or bands of rows of one,
// run in parallel forward; points backward.
#include <algorithm>
#include <tuple>
#include <vector>

#include "../common/tensor.h"
#include "splat_points.h"

namespace svr3d {
namespace {

struct SplatArguments {
  Tensor points, lengths;
  int64_t height, width;

  int64_t batch() const { return points.size(0); }
  int64_t count() const { return points.size(1); }
  const int64_t* length() const { return lengths.const_data_ptr<int64_t>(); }
};

SplatArguments check(const Tensor& points, const Tensor& lengths, int64_t height,
                     int64_t width) {
  const ScalarType type = points.scalar_type();
  STD_TORCH_CHECK(type == ScalarType::Float || type == ScalarType::Double,
                  "points must have dtype Float or Double");
  check_tensor(points, "points", type, {-1, -1, 3});
  check_tensor(lengths, "lengths", ScalarType::Long, {points.size(0)});
  STD_TORCH_CHECK(height > 0 && width > 0 && height <= 65536 && width <= 65536,
                  "height and width must lie between 1 and 65536");
  SplatArguments out{torch::stable::contiguous(points),
                     torch::stable::contiguous(lengths), height, width};
  for (int64_t b = 0; b < points.size(0); ++b)
    STD_TORCH_CHECK(out.length()[b] >= 0 && out.length()[b] <= points.size(1),
                    "lengths must lie between 0 and the number of points");
  return out;
}

// Runs work(image, first row, last row) over images, and bands of them if they are few.
template <typename Work>
void for_bands(int64_t batch, int64_t height, const Work& work) {
  const int64_t wanted = 8 / std::max<int64_t>(batch, 1);
  const int64_t bands = std::max<int64_t>(1, std::min(height, wanted));
  torch::stable::parallel_for(0, batch * bands, 1, [&](int64_t begin, int64_t end) {
    for (int64_t task = begin; task < end; ++task)
      work(task / bands, height * (task % bands) / bands,
           height * (task % bands + 1) / bands);
  });
}

// Factors of one point's Gaussian along one axis.
template <typename T>
struct Factors {
  PixelWindow window;
  std::vector<T> value;

  void fill(T at, T sharpness, T reach, int64_t size) {
    window = window_of(at, reach, size);
    value.resize(window.end - window.begin);
    for (int64_t i = window.begin; i < window.end; ++i)
      value[i - window.begin] = gaussian(at - T(i), sharpness);
  }
};

template <typename T>
SVR3D_CLONES void add_row(T factor, const T* values, int64_t count, T* row) {
  SVR3D_VECTORIZE
  for (int64_t j = 0; j < count; ++j) row[j] += factor * values[j];
}

template <typename T>
Tensor silhouettes(const SplatArguments& given, double sharpness, double reach) {
  const int64_t height = given.height, width = given.width;
  Tensor out = new_tensor(given.points, {given.batch(), height, width},
                          given.points.scalar_type());
  const T* points = given.points.const_data_ptr<T>();
  T* pixels = out.mutable_data_ptr<T>();
  for_bands(given.batch(), height, [&](int64_t image, int64_t first, int64_t last) {
    T* map = pixels + image * height * width;
    std::fill(map + first * width, map + last * width, T(0));
    const T* cloud = points + 3 * given.count() * image;
    Factors<T> rows, columns;
    for (int64_t p = 0; p < given.length()[image]; ++p) {
      rows.fill(cloud[3 * p], T(sharpness), T(reach), height);
      const int64_t begin = std::max(rows.window.begin, first);
      const int64_t end = std::min(rows.window.end, last);
      if (begin >= end) continue;
      columns.fill(cloud[3 * p + 1], T(sharpness), T(reach), width);
      for (int64_t i = begin; i < end; ++i)
        add_row(rows.value[i - rows.window.begin], columns.value.data(),
                columns.window.end - columns.window.begin,
                map + i * width + columns.window.begin);
    }
    for (int64_t i = first * width; i < last * width; ++i) map[i] = std::tanh(map[i]);
  });
  return out;
}

template <typename T>
Tensor silhouettes_backward(const SplatArguments& given, const Tensor& grad,
                            const Tensor& result, double sharpness, double reach) {
  const int64_t height = given.height, width = given.width, area = height * width;
  Tensor out = new_tensor(given.points, {given.batch(), given.count(), 3},
                          given.points.scalar_type());
  const T* points = given.points.const_data_ptr<T>();
  const T* upstream = grad.const_data_ptr<T>();
  const T* mask = result.const_data_ptr<T>();
  T* slopes = out.mutable_data_ptr<T>();
  std::vector<T> pull(given.batch() * area);
  for_bands(given.batch(), height, [&](int64_t image, int64_t first, int64_t last) {
    for (int64_t i = image * area + first * width; i < image * area + last * width; ++i)
      pull[i] = upstream[i] * (1 - mask[i] * mask[i]);
  });
  for_bands(given.batch(), given.count(), [&](int64_t image, int64_t first,
                                              int64_t last) {
    Factors<T> rows, columns;
    const T twice = T(2 * sharpness);
    for (int64_t p = first; p < last; ++p) {
      const int64_t index = given.count() * image + p;
      const T u = points[3 * index], v = points[3 * index + 1];
      T du = 0, dv = 0;
      slopes[3 * index] = slopes[3 * index + 1] = slopes[3 * index + 2] = 0;
      if (p >= given.length()[image]) continue;
      rows.fill(u, T(sharpness), T(reach), height);
      columns.fill(v, T(sharpness), T(reach), width);
      for (int64_t i = rows.window.begin; i < rows.window.end; ++i) {
        const T* row = &pull[image * area + i * width];
        T sum = 0, moment = 0;
        for (int64_t j = columns.window.begin; j < columns.window.end; ++j) {
          const T value = row[j] * columns.value[j - columns.window.begin];
          sum += value;
          moment += value * (v - T(j));
        }
        const T factor = rows.value[i - rows.window.begin];
        du -= factor * sum * (u - T(i));
        dv -= factor * moment;
      }
      slopes[3 * index] = twice * du;
      slopes[3 * index + 1] = twice * dv;
    }
  });
  return out;
}

// Calls visit(row, column) for the pixels of a point's well in rows [first, last).
template <typename T, typename Visit>
void for_well(const T* point, T well, int64_t first, int64_t last, int64_t height,
              int64_t width, const Visit& visit) {
  if (!drawn(point[2])) return;
  const PixelWindow rows = window_of(point[0], well, height);
  const PixelWindow columns = window_of(point[1], well, width);
  for (int64_t i = std::max(rows.begin, first); i < std::min(rows.end, last); ++i) {
    if (!in_well(point[0], i, well)) continue;
    for (int64_t j = columns.begin; j < columns.end; ++j)
      if (in_well(point[1], j, well)) visit(i, j);
  }
}

// Image, and of each pixel the largest claim and 1 / mass (0 where nothing is seen).
template <typename T>
std::tuple<Tensor, Tensor> features(const SplatArguments& given, const Tensor& values,
                                    double well, double beta) {
  const int64_t height = given.height, width = given.width, area = height * width;
  const int64_t size = values.size(2);
  const ScalarType type = given.points.scalar_type();
  Tensor image_out = new_tensor(given.points, {given.batch(), height, width, size}, type);
  Tensor stats_out = new_tensor(given.points, {given.batch(), height, width, 2}, type);
  const T* points = given.points.const_data_ptr<T>();
  const T* feature = values.const_data_ptr<T>();
  T* images = image_out.mutable_data_ptr<T>();
  T* all_stats = stats_out.mutable_data_ptr<T>();
  for_bands(given.batch(), height, [&](int64_t b, int64_t first, int64_t last) {
    const T* cloud = points + 3 * given.count() * b;
    T* image = images + b * area * size;
    T* stats = all_stats + b * area * 2;
    std::fill(image + first * width * size, image + last * width * size, T(0));
    std::fill(stats + first * width * 2, stats + last * width * 2, T(0));
    std::vector<int32_t> seen((last - first) * width);
    const int64_t length = given.length()[b];
    for (int64_t p = 0; p < length; ++p) {
      const T mine = claim(cloud[3 * p + 2] + 1, T(beta));
      for_well(cloud + 3 * p, T(well), first, last, height, width,
               [&](int64_t i, int64_t j) {
                 T& largest = stats[2 * (i * width + j)];
                 largest = mine > largest ? mine : largest;
                 ++seen[(i - first) * width + j];
               });
    }
    for (int64_t p = 0; p < length; ++p) {
      const T mine = claim(cloud[3 * p + 2] + 1, T(beta));
      const T* own = feature + (given.count() * b + p) * size;
      for_well(cloud + 3 * p, T(well), first, last, height, width,
               [&](int64_t i, int64_t j) {
                 const int64_t at = i * width + j;
                 const T e = small_exp(mine - stats[2 * at]);
                 stats[2 * at + 1] += e;
                 for (int64_t k = 0; k < size; ++k) image[at * size + k] += e * own[k];
               });
    }
    for (int64_t at = first * width; at < last * width; ++at) {
      stats[2 * at + 1] = inverse_mass(stats[2 * at + 1], stats[2 * at],
                                       seen[at - first * width], length, T(beta));
      for (int64_t k = 0; k < size; ++k) image[at * size + k] *= stats[2 * at + 1];
    }
  });
  return {image_out, stats_out};
}

template <typename T>
std::tuple<Tensor, Tensor> features_backward(const SplatArguments& given,
                                             const Tensor& grad, const Tensor& result,
                                             const Tensor& stats_in,
                                             const Tensor& values, double well,
                                             double beta) {
  const int64_t height = given.height, width = given.width, area = height * width;
  const int64_t size = values.size(2), count = given.count();
  const ScalarType type = given.points.scalar_type();
  Tensor point_out = new_tensor(given.points, {given.batch(), count, 3}, type);
  Tensor feature_out = new_tensor(given.points, {given.batch(), count, size}, type);
  const T* points = given.points.const_data_ptr<T>();
  const T* feature = values.const_data_ptr<T>();
  const T* upstream = grad.const_data_ptr<T>();
  const T* images = result.const_data_ptr<T>();
  const T* stats = stats_in.const_data_ptr<T>();
  T* point_slopes = point_out.mutable_data_ptr<T>();
  T* feature_slopes = feature_out.mutable_data_ptr<T>();
  for_bands(given.batch(), count, [&](int64_t b, int64_t first, int64_t last) {
    for (int64_t p = first; p < last; ++p) {
      const int64_t index = count * b + p;
      const T* point = points + 3 * index;
      const T* own = feature + index * size;
      T* slope = feature_slopes + index * size;
      T* moved = point_slopes + 3 * index;
      std::fill(slope, slope + size, T(0));
      moved[0] = moved[1] = moved[2] = 0;
      if (p >= given.length()[b]) continue;
      const T mine = claim(point[2] + 1, T(beta));
      for_well(point, T(well), 0, height, height, width, [&](int64_t i, int64_t j) {
        const int64_t at = b * area + i * width + j;
        const T share = small_exp(mine - stats[2 * at]) * stats[2 * at + 1];
        const T* pull = upstream + at * size;
        const T* mix = images + at * size;
        T gain = 0, mean = 0;
        for (int64_t k = 0; k < size; ++k) {
          slope[k] += share * pull[k];
          gain += pull[k] * own[k];
          mean += pull[k] * mix[k];
        }
        moved[2] += depth_slope(point[2], T(beta), share, gain, mean);
      });
    }
  });
  return {point_out, feature_out};
}

bool is_wide(const Tensor& points) { return points.scalar_type() == ScalarType::Double; }

Tensor splat_silhouettes(Tensor points, Tensor lengths, int64_t height, int64_t width,
                         double sharpness, double reach) {
  const SplatArguments given = check(points, lengths, height, width);
  return is_wide(points) ? silhouettes<double>(given, sharpness, reach)
                         : silhouettes<float>(given, sharpness, reach);
}

Tensor splat_silhouettes_backward(Tensor grad, Tensor result, Tensor points,
                                  Tensor lengths, double sharpness, double reach) {
  const ScalarType type = points.scalar_type();
  check_tensor(result, "result", type, {points.size(0), -1, -1});
  const int64_t height = result.size(1), width = result.size(2);
  check_tensor(grad, "grad", type, {points.size(0), height, width});
  const SplatArguments given = check(points, lengths, height, width);
  grad = torch::stable::contiguous(grad);
  result = torch::stable::contiguous(result);
  return is_wide(points)
             ? silhouettes_backward<double>(given, grad, result, sharpness, reach)
             : silhouettes_backward<float>(given, grad, result, sharpness, reach);
}

std::tuple<Tensor, Tensor> splat_features(Tensor points, Tensor values, Tensor lengths,
                                          int64_t height, int64_t width, double well,
                                          double beta) {
  const SplatArguments given = check(points, lengths, height, width);
  check_tensor(values, "features", points.scalar_type(),
               {points.size(0), points.size(1), -1});
  values = torch::stable::contiguous(values);
  return is_wide(points) ? features<double>(given, values, well, beta)
                         : features<float>(given, values, well, beta);
}

std::tuple<Tensor, Tensor> splat_features_backward(Tensor grad, Tensor result,
                                                   Tensor stats, Tensor points,
                                                   Tensor values, Tensor lengths,
                                                   double well, double beta) {
  const ScalarType type = points.scalar_type();
  const int64_t batch = points.size(0);
  check_tensor(values, "features", type, {batch, points.size(1), -1});
  check_tensor(result, "result", type, {batch, -1, -1, values.size(2)});
  const int64_t height = result.size(1), width = result.size(2);
  check_tensor(grad, "grad", type, {batch, height, width, values.size(2)});
  check_tensor(stats, "stats", type, {batch, height, width, 2});
  const SplatArguments given = check(points, lengths, height, width);
  grad = torch::stable::contiguous(grad);
  result = torch::stable::contiguous(result);
  stats = torch::stable::contiguous(stats);
  values = torch::stable::contiguous(values);
  return is_wide(points) ? features_backward<double>(given, grad, result, stats, values,
                                                     well, beta)
                         : features_backward<float>(given, grad, result, stats, values,
                                                    well, beta);
}

}  // namespace
}  // namespace svr3d

STABLE_TORCH_LIBRARY_FRAGMENT(svr3d, m) {
  m.def(
      "splat_silhouettes(Tensor points, Tensor lengths, SymInt height, SymInt width, "
      "float sharpness, float reach) -> Tensor");
  m.def(
      "splat_silhouettes_backward(Tensor grad, Tensor result, Tensor points, "
      "Tensor lengths, float sharpness, float reach) -> Tensor");
  m.def(
      "splat_features(Tensor points, Tensor features, Tensor lengths, SymInt height, "
      "SymInt width, float well, float beta) -> (Tensor image, Tensor stats)");
  m.def(
      "splat_features_backward(Tensor grad, Tensor result, Tensor stats, "
      "Tensor points, Tensor features, Tensor lengths, float well, float beta) "
      "-> (Tensor points, Tensor features)");
}

STABLE_TORCH_LIBRARY_IMPL(svr3d, CPU, m) {
  m.impl("splat_silhouettes", TORCH_BOX(&svr3d::splat_silhouettes));
  m.impl("splat_silhouettes_backward", TORCH_BOX(&svr3d::splat_silhouettes_backward));
  m.impl("splat_features", TORCH_BOX(&svr3d::splat_features));
  m.impl("splat_features_backward", TORCH_BOX(&svr3d::splat_features_backward));
}

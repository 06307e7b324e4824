// SPDX-License-Identifier: Apache-2.0
// Search of the nearest face of one point after the other: kWidth boxes or faces are
// looked at together, nearest boxes first, and boxes farther than the best face are left
// out. Included once per instruction set, like lanes.h.

class FaceSearch {
  using L = Lanes<double>;
  using Value = typename L::Value;
  using Mask = typename L::Mask;
  static constexpr int64_t kWidth = FaceIndex::kWidth;

  struct Vector {
    Value x, y, z;
  };

 public:
  explicit FaceSearch(const FaceIndex& index) : index_(index) {}

  // `place` is where a face lies that is likely to be near; becomes the nearest one's.
  int64_t run(const double* point, int64_t& place) {
    point_ = {L::splat(point[0]), L::splat(point[1]), L::splat(point[2])};
    best_ = limit_ = std::numeric_limits<double>::infinity();
    place_ = place;
    look_at_leaf(place / kWidth);
    const int top = static_cast<int>(index_.levels.size()) - 1;
    visit(top, 0, index_.levels[top].count);
    place = place_;
    return index_.ids[place_];
  }

 private:
  // Boxes [first, first + count) of a level, at most kWidth.
  void visit(int level, int64_t first, int64_t count) {
    const BoxLevel<double>& boxes = index_.levels[level];
    const Value zero = L::splat(0);
    const Value* own[3] = {&point_.x, &point_.y, &point_.z};
    Value gap[3];
    for (int a = 0; a < 3; ++a)
      gap[a] = L::larger(L::larger(L::load(boxes.low[a].data() + first) - *own[a],
                                   *own[a] - L::load(boxes.high[a].data() + first)),
                         zero);
    double bound[kWidth];
    L::store(bound, gap[0] * gap[0] + gap[1] * gap[1] + gap[2] * gap[2]);
    uint32_t open = 0;
    for (int64_t i = 0; i < count; ++i) open |= (bound[i] <= limit_ ? 1u : 0u) << i;
    while (open) {
      int nearest = -1;
      for (int i = 0; i < kWidth; ++i)
        if ((open >> i & 1u) && (nearest < 0 || bound[i] < bound[nearest])) nearest = i;
      if (bound[nearest] > limit_) return;
      open &= ~(1u << nearest);
      const int64_t box = first + nearest;
      if (level == 0)
        look_at_leaf(box);
      else
        visit(level - 1, box * kWidth,
              std::min(kWidth, index_.levels[level - 1].count - box * kWidth));
    }
  }

  // As nearest_on_face, of all faces of a leaf.
  void look_at_leaf(int64_t leaf) {
    const double* block = index_.numbers.data() + leaf * kFaceNumbers * kWidth;
    const Vector u = vector(block, 3), v = vector(block, 6);
    const Vector from_a = minus(point_, vector(block, 0)), from_b = minus(from_a, u);
    const Vector w = minus(v, u);
    const Value by_u = to_edge(from_a, u, number(block, 18));
    const Value by_v = to_edge(from_a, v, number(block, 19));
    const Value by_w = to_edge(from_b, w, number(block, 20));
    const Value by_uv = L::pick(L::less(by_v, by_u), by_v, by_u);
    const Value by_edges = L::pick(L::less(by_w, by_uv), by_w, by_uv);
    const Value of_b = product(vector(block, 9), from_a);
    const Value of_c = product(vector(block, 12), from_a);
    const Value height = product(vector(block, 15), from_a);
    const Value zero = L::splat(0);
    const Mask inside = L::less(zero, of_b) & L::less(zero, of_c) &
                        L::less(of_b + of_c, L::splat(1));
    const Value squares = L::pick(inside, height * height, by_edges);
    const Value best = L::splat(best_);
    if (!L::bits(L::less(squares, best) | L::equal(squares, best))) return;
    double found[kWidth];
    L::store(found, squares);
    for (int64_t i = 0; i < kWidth; ++i) {
      const int64_t at = leaf * kWidth + i;
      if (!precedes_face(found[i], index_.ids[at], best_, index_.ids[place_])) continue;
      best_ = found[i];
      place_ = at;
    }
    // Boxes and faces are rounded differently: what is hardly farther is looked at too.
    const double reach = std::sqrt(best_) + 1e-13;
    limit_ = reach * reach;
  }

  static Value number(const double* block, int n) { return L::load(block + n * kWidth); }
  static Vector vector(const double* block, int n) {
    return {number(block, n), number(block, n + 1), number(block, n + 2)};
  }
  static Vector minus(const Vector& a, const Vector& b) {
    return {a.x - b.x, a.y - b.y, a.z - b.z};
  }
  static Value product(const Vector& a, const Vector& b) {
    return a.x * b.x + a.y * b.y + a.z * b.z;
  }
  static Value to_edge(const Vector& from, const Vector& edge, const Value& inverse) {
    const Value along = L::smaller(
        L::larger(product(edge, from) * inverse, L::splat(0)), L::splat(1));
    const Vector rest = {from.x - edge.x * along, from.y - edge.y * along,
                         from.z - edge.z * along};
    return product(rest, rest);
  }

  const FaceIndex& index_;
  Vector point_;
  double best_, limit_;
  int64_t place_;
};

inline void nearest_faces(const FaceIndex& index, const double* points,
                          const int32_t* order, int64_t begin, int64_t end,
                          int64_t* nearest) {
  FaceSearch search(index);
  int64_t place = 0;
  for (int64_t i = begin; i < end; ++i)
    nearest[order[i]] = search.run(points + 3 * static_cast<int64_t>(order[i]), place);
}

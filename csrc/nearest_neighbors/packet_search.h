// SPDX-License-Identifier: Apache-2.0
// Search of one packet of queries, a leaf of their own index, in an index of points:
// all lanes walk the tree together, nearest boxes first, and leave out boxes farther
// than what every lane has found. Included once per instruction set, like lanes.h.

// Distances in the order of operations of squared_length, so that all devices agree.
// A box's bound is rounded monotonically, hence never above a distance inside it.
template <typename V>
inline V sum_of_squares(const V& x, const V& y, const V& z) {
  return x * x + y * y + z * z;
}

template <typename T>
class PacketSearch {
  using L = Lanes<T>;
  using Value = typename L::Value;
  using Index = typename L::Index;
  using Mask = typename L::Mask;
  static constexpr int64_t kWidth = CloudIndex<T>::kWidth;

 public:
  PacketSearch(const CloudIndex<T>& queries, const CloudIndex<T>& points, int64_t k)
      : queries_(queries),
        points_(points),
        k_(k),
        best_(k * kWidth),
        ids_(k * kWidth) {}

  // Writes k distances and indices per query, at the query's own position.
  void run(int64_t packet, T* distances, int64_t* indices) {
    for (int a = 0; a < 3; ++a) {
      low_[a] = queries_.levels[0].low[a][packet];
      high_[a] = queries_.levels[0].high[a][packet];
    }
    const int64_t first = packet * kWidth;
    const int64_t size = std::min<int64_t>(kWidth, queries_.count - first);
    T lane[3][kWidth];
    for (int a = 0; a < 3; ++a)  // lanes without a query repeat the first one
      for (int64_t i = 0; i < kWidth; ++i)
        lane[a][i] = queries_.axis[a][first + (i < size ? i : 0)];
    x_ = L::load(lane[0]);
    y_ = L::load(lane[1]);
    z_ = L::load(lane[2]);
    std::fill(best_.begin(), best_.end(), std::numeric_limits<T>::infinity());
    std::fill(ids_.begin(), ids_.end(), kNoPoint);
    worst_ = std::numeric_limits<T>::infinity();
    if (points_.leaves() > 0)
      visit(static_cast<int>(points_.levels.size()) - 1, 0,
            points_.levels.back().count);
    for (int64_t i = 0; i < size; ++i) {
      const int64_t query = queries_.ids[first + i];
      for (int64_t n = 0; n < k_; ++n) {
        const int32_t id = ids_[n * kWidth + i];
        distances[query * k_ + n] = best_[n * kWidth + i];
        indices[query * k_ + n] = id == kNoPoint ? -1 : id;
      }
    }
  }

 private:
  // Boxes [first, first + count) of a level, at most kWidth.
  void visit(int level, int64_t first, int64_t count) {
    const BoxLevel<T>& boxes = points_.levels[level];
    Value gap[3];
    for (int a = 0; a < 3; ++a)
      gap[a] = L::larger(
          L::larger(L::load(boxes.low[a].data() + first) - L::splat(high_[a]),
                    L::splat(low_[a]) - L::load(boxes.high[a].data() + first)),
          L::splat(0));
    T bound[kWidth];
    L::store(bound, sum_of_squares(gap[0], gap[1], gap[2]));
    uint32_t open = 0;
    for (int64_t i = 0; i < count; ++i) open |= (bound[i] <= worst_ ? 1u : 0u) << i;
    while (open) {
      int nearest = -1;
      for (uint32_t rest = open; rest; rest &= rest - 1) {
        const int i = lowest_bit(rest);
        if (nearest < 0 || bound[i] < bound[nearest]) nearest = i;
      }
      if (bound[nearest] > worst_) return;
      open &= ~(1u << nearest);
      const int64_t box = first + nearest;
      if (level > 0)
        visit(level - 1, box * kWidth,
              std::min(kWidth, points_.levels[level - 1].count - box * kWidth));
      else if (reaches(box))
        k_ == 1 ? nearest_of(box) : insert_all(box);
    }
  }

  // Whether some lane may find a point in the leaf that precedes its worst.
  bool reaches(int64_t leaf) const {
    const BoxLevel<T>& boxes = points_.levels[0];
    const Value* query[3] = {&x_, &y_, &z_};
    Value gap[3];
    for (int a = 0; a < 3; ++a)
      gap[a] = L::larger(L::larger(L::splat(boxes.low[a][leaf]) - *query[a],
                                   *query[a] - L::splat(boxes.high[a][leaf])),
                         L::splat(0));
    const Value bound = sum_of_squares(gap[0], gap[1], gap[2]);
    const Value limit = L::load(best_.data() + (k_ - 1) * kWidth);
    return L::bits(L::less(bound, limit) | L::equal(bound, limit)) != 0;
  }

  Value distance_to(int64_t point) const {
    return sum_of_squares(x_ - L::splat(points_.axis[0][point]),
                          y_ - L::splat(points_.axis[1][point]),
                          z_ - L::splat(points_.axis[2][point]));
  }

  Mask precedes_lanes(const Value& d, const Index& id, const Value& other,
                      const Index& other_id) const {
    return L::less(d, other) | (L::equal(d, other) & L::less_index(id, other_id));
  }

  void nearest_of(int64_t leaf) {
    Value best = L::load(best_.data());
    Index id = L::load_index(ids_.data());
    const int64_t first = leaf * kWidth;
    Mask ties = L::less(best, best);  // none
    for (int64_t i = first; i < first + kWidth; ++i) {
      const Value d = distance_to(i);
      ties = ties | L::equal(d, best);
      const Mask nearer = L::less(d, best);
      best = L::pick(nearer, d, best);
      id = L::pick(nearer, L::splat_index(points_.ids[i]), id);
    }
    if (L::bits(ties)) return insert_all(leaf);  // rare: again, minding the indices
    L::store(best_.data(), best);
    L::store_index(ids_.data(), id);
    worst_ = L::highest(best);
  }

  void insert_all(int64_t leaf) {
    T* last = best_.data() + (k_ - 1) * kWidth;
    int32_t* last_id = ids_.data() + (k_ - 1) * kWidth;
    const int64_t first = leaf * kWidth;
    for (int64_t i = first; i < first + kWidth; ++i) {
      Value d = distance_to(i);
      Index id = L::splat_index(points_.ids[i]);
      if (!L::bits(precedes_lanes(d, id, L::load(last), L::load_index(last_id))))
        continue;
      for (int64_t n = 0; n < k_; ++n) {  // each place keeps the first of two
        T* best = best_.data() + n * kWidth;
        int32_t* best_id = ids_.data() + n * kWidth;
        const Value held = L::load(best);
        const Index held_id = L::load_index(best_id);
        const Mask before = precedes_lanes(d, id, held, held_id);
        L::store(best, L::pick(before, d, held));
        L::store_index(best_id, L::pick(before, id, held_id));
        d = L::pick(before, held, d);
        id = L::pick(before, held_id, id);
      }
    }
    worst_ = L::highest(L::load(last));
  }

  static int lowest_bit(uint32_t bits) {
#ifdef __GNUC__
    return __builtin_ctz(bits);
#else
    int i = 0;
    while (!(bits >> i & 1u)) ++i;
    return i;
#endif
  }

  const CloudIndex<T>& queries_;
  const CloudIndex<T>& points_;
  const int64_t k_;
  std::vector<T> best_;
  std::vector<int32_t> ids_;
  Value x_, y_, z_;
  T low_[3], high_[3];
  T worst_;
};

template <typename T>
void search_packets(const CloudIndex<T>& queries, const CloudIndex<T>& points,
                    int64_t k, int64_t begin, int64_t end, T* distances,
                    int64_t* indices) {
  PacketSearch<T> search(queries, points, k);
  for (int64_t packet = begin; packet < end; ++packet)
    search.run(packet, distances, indices);
}

// The register tile over whole vectors, for instruction sets with enough registers: the includer supplies `Lanes` (one
// vector of floats) and the loads and multiply-adds for it.

namespace candor::cpu {
namespace {

template <typename Op, int kRows, int kColumns>
inline void tile(const typename Op::Element* a, std::size_t lda, const typename Op::Element* b, int steps, float* c,
                 std::size_t ldc, bool add_to) noexcept {
  using Lanes = typename Op::Lanes;
  Lanes sums[kRows][kColumns];
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 8
    for (int v = 0; v < kColumns; ++v) sums[r][v] = add_to ? Op::load(c + r * ldc + v * Op::kLanes) : Op::zero();
  for (int k = 0; k < steps; ++k) {
    typename Op::Weights weights[kColumns];
#pragma GCC unroll 8
    for (int v = 0; v < kColumns; ++v)
      weights[v] = Op::weights(b + (static_cast<std::size_t>(k) * kColumns + v) * Op::kStride);
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) {
      const typename Op::Input input = Op::input(a + r * lda + k * Op::kStep);
#pragma GCC unroll 8
      for (int v = 0; v < kColumns; ++v) sums[r][v] = Op::multiply_add(sums[r][v], weights[v], input);
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 8
    for (int v = 0; v < kColumns; ++v) Op::store(c + r * ldc + v * Op::kLanes, sums[r][v]);
}

template <typename Op, int kColumns>
inline void tile_rows(int rows, const typename Op::Element* a, std::size_t lda, const typename Op::Element* b,
                      int steps, float* c, std::size_t ldc, bool add_to) noexcept {
  switch (rows) {
    case 1:
      return tile<Op, 1, kColumns>(a, lda, b, steps, c, ldc, add_to);
    case 2:
      return tile<Op, 2, kColumns>(a, lda, b, steps, c, ldc, add_to);
    case 3:
      return tile<Op, 3, kColumns>(a, lda, b, steps, c, ldc, add_to);
    case 4:
      return tile<Op, 4, kColumns>(a, lda, b, steps, c, ldc, add_to);
    case 5:
      return tile<Op, 5, kColumns>(a, lda, b, steps, c, ldc, add_to);
    default:
      return tile<Op, 6, kColumns>(a, lda, b, steps, c, ldc, add_to);
  }
}

}  // namespace
}  // namespace candor::cpu

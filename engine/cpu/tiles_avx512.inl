// AVX-512's f32 tile, shared by the two AVX-512 tables.

#include "engine/cpu/tiles.inl"

namespace candor::cpu {
namespace {

struct F32Op {
  using Element = float;
  using Lanes = __m512;
  using Weights = __m512;
  using Input = __m512;
  static constexpr int kLanes = 16, kStride = 16, kStep = 1;
  static Lanes zero() { return _mm512_setzero_ps(); }
  static Lanes load(const float* p) { return _mm512_loadu_ps(p); }
  static void store(float* p, Lanes x) { _mm512_storeu_ps(p, x); }
  static Weights weights(const float* p) { return _mm512_loadu_ps(p); }
  static Input input(const float* p) { return _mm512_set1_ps(*p); }
  static Lanes multiply_add(Lanes sum, Weights w, Input x) { return _mm512_fmadd_ps(w, x, sum); }
};

template <typename Op>
inline void tile_any(int rows, const typename Op::Element* a, std::size_t lda, const typename Op::Element* b, int steps,
                     float* c, std::size_t ldc, int vectors, bool add_to) noexcept {
  switch (vectors) {
    case 1:
      return tile_rows<Op, 1>(rows, a, lda, b, steps, c, ldc, add_to);
    case 2:
      return tile_rows<Op, 2>(rows, a, lda, b, steps, c, ldc, add_to);
    case 3:
      return tile_rows<Op, 3>(rows, a, lda, b, steps, c, ldc, add_to);
    default:
      return tile_rows<Op, 4>(rows, a, lda, b, steps, c, ldc, add_to);
  }
}

void tile_f32(int rows, const float* a, std::size_t lda, const float* b, int k, float* c, std::size_t ldc, int vectors,
              bool add_to) noexcept {
  tile_any<F32Op>(rows, a, lda, b, k, c, ldc, vectors, add_to);
}

}  // namespace
}  // namespace candor::cpu

// AVX-512 without the bf16 instructions (Skylake-X, Ice Lake, Tiger Lake): bf16 widened to f32, two fused
// multiply-adds.
#include "engine/cpu/kernels_isa.h"

#if defined(__x86_64__)

#include <immintrin.h>

#include "engine/cpu/elementwise.inl"
#include "engine/cpu/tiles_avx512.inl"

namespace candor::cpu {
namespace {

struct Bf16Op {
  using Element = Bf16;
  using Lanes = __m512;
  struct Pair {
    __m512 even, odd;
  };
  using Weights = Pair;
  using Input = Pair;
  static constexpr int kLanes = 16, kStride = 32, kStep = 2;
  static Lanes zero() { return _mm512_setzero_ps(); }
  static Lanes load(const float* p) { return _mm512_loadu_ps(p); }
  static void store(float* p, Lanes x) { _mm512_storeu_ps(p, x); }
  static Weights weights(const Bf16* p) {
    const __m512i pairs = _mm512_loadu_si512(p);
    return {_mm512_castsi512_ps(_mm512_slli_epi32(pairs, 16)),
            _mm512_castsi512_ps(_mm512_and_si512(pairs, _mm512_set1_epi32(static_cast<int>(0xffff0000u))))};
  }
  static Input input(const Bf16* p) { return {_mm512_set1_ps(widen(p[0])), _mm512_set1_ps(widen(p[1]))}; }
  static Lanes multiply_add(Lanes sum, const Weights& w, const Input& x) {
    return _mm512_fmadd_ps(w.even, x.even, _mm512_fmadd_ps(w.odd, x.odd, sum));
  }
};

void tile_bf16(int rows, const Bf16* a, std::size_t lda, const Bf16* b, int k_pairs, float* c, std::size_t ldc,
               int vectors, bool add_to) noexcept {
  tile_any<Bf16Op>(rows, a, lda, b, k_pairs, c, ldc, vectors, add_to);
}

}  // namespace

extern const Kernels kAvx512Kernels = {
    .name = "avx512", .tile_bf16 = tile_bf16, .tile_f32 = tile_f32, CANDOR_ELEMENTWISE_KERNELS};

}  // namespace candor::cpu

#endif

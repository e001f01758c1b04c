// AVX-512 with BF16 (Zen 4 and later, Cooper Lake, Sapphire Rapids and later): vdpbf16ps.
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
  using Weights = __m512bh;
  using Input = __m512bh;
  static constexpr int kLanes = 16, kStride = 32, kStep = 2;
  static Lanes zero() { return _mm512_setzero_ps(); }
  static Lanes load(const float* p) { return _mm512_loadu_ps(p); }
  static void store(float* p, Lanes x) { _mm512_storeu_ps(p, x); }
  static Weights weights(const Bf16* p) { return (__m512bh)_mm512_loadu_si512(p); }
  static Input input(const Bf16* p) {
    std::int32_t pair;
    __builtin_memcpy(&pair, p, sizeof pair);
    return (__m512bh)_mm512_set1_epi32(pair);
  }
  static Lanes multiply_add(Lanes sum, Weights w, Input x) { return _mm512_dpbf16_ps(sum, w, x); }
};

void tile_bf16(int rows, const Bf16* a, std::size_t lda, const Bf16* b, int k_pairs, float* c, std::size_t ldc,
               int vectors, bool add_to) noexcept {
  tile_any<Bf16Op>(rows, a, lda, b, k_pairs, c, ldc, vectors, add_to);
}

}  // namespace

extern const Kernels kAvx512Bf16Kernels = {
    .name = "avx512bf16", .tile_bf16 = tile_bf16, .tile_f32 = tile_f32, CANDOR_ELEMENTWISE_KERNELS};

}  // namespace candor::cpu

#endif

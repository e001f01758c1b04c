// AVX2 with FMA (Haswell and later, Zen and later). 16 registers: a tile of 6 rows and two vectors of 8, so the columns
// are walked in strips; the order of each sum over K stays the same.
#include "engine/cpu/kernels_isa.h"

#if defined(__x86_64__)

#include <immintrin.h>

#include "engine/cpu/elementwise.inl"

namespace candor::cpu {
namespace {

/// One strip of 8 columns for up to `kRows` rows. `width`: columns of the whole panel.
template <int kRows>
inline void strip_f32(const float* a, std::size_t lda, const float* b, std::size_t width, int k_count, float* c,
                      std::size_t ldc, bool add_to) noexcept {
  __m256 sums[kRows];
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r) sums[r] = add_to ? _mm256_loadu_ps(c + r * ldc) : _mm256_setzero_ps();
  for (int k = 0; k < k_count; ++k) {
    const __m256 weights = _mm256_loadu_ps(b + static_cast<std::size_t>(k) * width);
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) sums[r] = _mm256_fmadd_ps(weights, _mm256_broadcast_ss(a + r * lda + k), sums[r]);
  }
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r) _mm256_storeu_ps(c + r * ldc, sums[r]);
}

template <int kRows>
inline void strip_bf16(const Bf16* a, std::size_t lda, const Bf16* b, std::size_t width, int k_pairs, float* c,
                       std::size_t ldc, bool add_to) noexcept {
  const __m256i high = _mm256_set1_epi32(static_cast<int>(0xffff0000u));
  __m256 sums[kRows];
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r) sums[r] = add_to ? _mm256_loadu_ps(c + r * ldc) : _mm256_setzero_ps();
  for (int k = 0; k < k_pairs; ++k) {
    const __m256i pairs =
        _mm256_loadu_si256(reinterpret_cast<const __m256i*>(b + static_cast<std::size_t>(k) * width * 2));
    const __m256 even = _mm256_castsi256_ps(_mm256_slli_epi32(pairs, 16));
    const __m256 odd = _mm256_castsi256_ps(_mm256_and_si256(pairs, high));
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) {
      const __m256 x_even = _mm256_set1_ps(widen(a[r * lda + 2 * k]));
      const __m256 x_odd = _mm256_set1_ps(widen(a[r * lda + 2 * k + 1]));
      sums[r] = _mm256_fmadd_ps(even, x_even, _mm256_fmadd_ps(odd, x_odd, sums[r]));
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r) _mm256_storeu_ps(c + r * ldc, sums[r]);
}

void tile_f32(int rows, const float* a, std::size_t lda, const float* b, int k, float* c, std::size_t ldc, int vectors,
              bool add_to) noexcept {
  const std::size_t width = static_cast<std::size_t>(vectors) * kVector;
  for (std::size_t n = 0; n < width; n += 8) {
    switch (rows) {
      case 1:
        strip_f32<1>(a, lda, b + n, width, k, c + n, ldc, add_to);
        break;
      case 2:
        strip_f32<2>(a, lda, b + n, width, k, c + n, ldc, add_to);
        break;
      case 3:
        strip_f32<3>(a, lda, b + n, width, k, c + n, ldc, add_to);
        break;
      case 4:
        strip_f32<4>(a, lda, b + n, width, k, c + n, ldc, add_to);
        break;
      case 5:
        strip_f32<5>(a, lda, b + n, width, k, c + n, ldc, add_to);
        break;
      default:
        strip_f32<6>(a, lda, b + n, width, k, c + n, ldc, add_to);
        break;
    }
  }
}

void tile_bf16(int rows, const Bf16* a, std::size_t lda, const Bf16* b, int k_pairs, float* c, std::size_t ldc,
               int vectors, bool add_to) noexcept {
  const std::size_t width = static_cast<std::size_t>(vectors) * kVector;
  for (std::size_t n = 0; n < width; n += 8) {
    switch (rows) {
      case 1:
        strip_bf16<1>(a, lda, b + 2 * n, width, k_pairs, c + n, ldc, add_to);
        break;
      case 2:
        strip_bf16<2>(a, lda, b + 2 * n, width, k_pairs, c + n, ldc, add_to);
        break;
      case 3:
        strip_bf16<3>(a, lda, b + 2 * n, width, k_pairs, c + n, ldc, add_to);
        break;
      case 4:
        strip_bf16<4>(a, lda, b + 2 * n, width, k_pairs, c + n, ldc, add_to);
        break;
      case 5:
        strip_bf16<5>(a, lda, b + 2 * n, width, k_pairs, c + n, ldc, add_to);
        break;
      default:
        strip_bf16<6>(a, lda, b + 2 * n, width, k_pairs, c + n, ldc, add_to);
        break;
    }
  }
}

}  // namespace

extern const Kernels kAvx2Kernels = {
    .name = "avx2", .tile_bf16 = tile_bf16, .tile_f32 = tile_f32, CANDOR_ELEMENTWISE_KERNELS};

}  // namespace candor::cpu

#endif

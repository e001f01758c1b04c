// Any x86-64 (or other) processor: the reference that the vector bodies must equal bit for bit.
#include "engine/cpu/kernels_isa.h"

#include "engine/cpu/elementwise.inl"

namespace candor::cpu {
namespace {

void tile_bf16(int rows, const Bf16* a, std::size_t lda, const Bf16* b, int k_pairs, float* c, std::size_t ldc,
               int vectors, bool add_to) noexcept {
  const int columns = vectors * kVector;
  for (int r = 0; r < rows; ++r) {
    float sums[kPanelColumns];
    for (int n = 0; n < columns; ++n) sums[n] = add_to ? c[r * ldc + n] : 0.0f;
    for (int k = 0; k < k_pairs; ++k) {
      const float even = widen(a[r * lda + 2 * k]), odd = widen(a[r * lda + 2 * k + 1]);
      const Bf16* pair = b + static_cast<std::size_t>(k) * columns * 2;
      for (int n = 0; n < columns; ++n)
        sums[n] = fma1(widen(pair[2 * n]), even, fma1(widen(pair[2 * n + 1]), odd, sums[n]));
    }
    for (int n = 0; n < columns; ++n) c[r * ldc + n] = sums[n];
  }
}

void tile_f32(int rows, const float* a, std::size_t lda, const float* b, int k_count, float* c, std::size_t ldc,
              int vectors, bool add_to) noexcept {
  const int columns = vectors * kVector;
  for (int r = 0; r < rows; ++r) {
    float sums[kPanelColumns];
    for (int n = 0; n < columns; ++n) sums[n] = add_to ? c[r * ldc + n] : 0.0f;
    for (int k = 0; k < k_count; ++k)
      for (int n = 0; n < columns; ++n)
        sums[n] = fma1(b[static_cast<std::size_t>(k) * columns + n], a[r * lda + k], sums[n]);
    for (int n = 0; n < columns; ++n) c[r * ldc + n] = sums[n];
  }
}

}  // namespace

extern const Kernels kPortableKernels = {
    .name = "portable", .tile_bf16 = tile_bf16, .tile_f32 = tile_f32, CANDOR_ELEMENTWISE_KERNELS};

}  // namespace candor::cpu

#include "engine/model/dequantize.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

namespace candor::model {
namespace {

// Bytes may alias anything: without __restrict each store would be followed by loads again, and no loop vectorised.
using Byte = std::uint8_t;

template <class T>
T load(const Byte* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

/// Exact, branch-free, so that loops over it vectorise; no step makes a subnormal f32, which the engine's threads
/// flush.
inline float from_f16(std::uint16_t half) {
  const std::uint32_t magnitude = (half & 0x7fffu) << 13;  // exponent and mantissa where f32 has them
  constexpr std::uint32_t kRebias = (127 - 15) << 23;
  // Subnormals: put the mantissa under exponent 2^-14 and take 2^-14 away again.
  const float tiny =
      std::bit_cast<float>(magnitude + kRebias + (1u << 23)) - std::bit_cast<float>(kRebias + (1u << 23));
  const std::uint32_t normal = magnitude + kRebias + (magnitude >= 0x0f800000u ? kRebias : 0);  // inf, NaN: 255
  const std::uint32_t bits = magnitude < 0x00800000u ? std::bit_cast<std::uint32_t>(tiny) : normal;
  return std::bit_cast<float>(bits | (half & 0x8000u) << 16);
}

inline float from_bf16(std::uint16_t bits) {
  return std::bit_cast<float>(std::uint32_t{bits} << 16);
}

inline float from_e4m3(Byte byte) {
  const std::uint32_t magnitude = (byte & 0x7fu) << 20;
  constexpr std::uint32_t kRebias = (127 - 7) << 23;
  const float tiny =
      std::bit_cast<float>(magnitude + kRebias + (1u << 23)) - std::bit_cast<float>(kRebias + (1u << 23));
  const std::uint32_t normal = (byte & 0x7fu) == 0x7fu ? 0x7fc00000u : magnitude + kRebias;
  const std::uint32_t bits = magnitude < 0x00800000u ? std::bit_cast<std::uint32_t>(tiny) : normal;
  return std::bit_cast<float>(bits | (byte & 0x80u) << 24);
}

inline float half_at(const Byte* at) {
  return from_f16(load<std::uint16_t>(at));
}

/// 2^(exponent - 128): half the e8m0 scale, for tables that hold doubled values (ggml_e8m0_to_fp32_half).
inline float half_e8m0(Byte exponent) {
  return std::bit_cast<float>(exponent < 2 ? 0x00200000u << exponent : (exponent - 1u) << 23);
}

// Doubled e2m1 values (OCP Microscaling Formats 1.0, 5.3.3).
constexpr float kE2m1Doubled[16] = {0, 1, 2, 3, 4, 6, 8, 12, -0.0f, -1, -2, -3, -4, -6, -8, -12};
// kvalues_iq4nl of ggml-common.h.
constexpr float kIq4Nl[16] = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};

void q4(const Byte* __restrict q, float offset, float d, float m, float* __restrict out) {
  for (int j = 0; j < 16; ++j) {
    out[j] = (static_cast<float>(q[j] & 15) - offset) * d + m;
    out[j + 16] = (static_cast<float>(q[j] >> 4) - offset) * d + m;
  }
}

// Adding -0 keeps the sign of a zero product, as if nothing were added.
void q4_0(const Byte* __restrict block, float* __restrict out) {
  q4(block + 2, 8, half_at(block), -0.0f, out);
}

void q4_1(const Byte* __restrict block, float* __restrict out) {
  q4(block + 4, 0, half_at(block), half_at(block + 2), out);
}

// Instead of shifts by a varying count, which SSE2 has none of.
constexpr std::uint16_t kBit[16] = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768};

/// @param high  the fifth bits: bit j for element j.
void q5(const Byte* __restrict q, std::uint32_t high, float offset, float d, float m, float* __restrict out) {
  const auto lower_bits = static_cast<std::uint16_t>(high), upper_bits = static_cast<std::uint16_t>(high >> 16);
  for (int j = 0; j < 16; ++j) {
    const int lower = (q[j] & 15) + ((lower_bits & kBit[j]) != 0 ? 16 : 0);
    const int upper = (q[j] >> 4) + ((upper_bits & kBit[j]) != 0 ? 16 : 0);
    out[j] = (static_cast<float>(lower) - offset) * d + m;
    out[j + 16] = (static_cast<float>(upper) - offset) * d + m;
  }
}

void q5_0(const Byte* __restrict block, float* __restrict out) {
  const float d = half_at(block);
  q5(block + 6, load<std::uint32_t>(block + 2), 16, d, -0.0f, out);
}

void q5_1(const Byte* __restrict block, float* __restrict out) {
  q5(block + 8, load<std::uint32_t>(block + 4), 0, half_at(block), half_at(block + 2), out);
}

void q8_0(const Byte* __restrict block, float* __restrict out) {
  const float d = half_at(block);
  for (int j = 0; j < 32; ++j) out[j] = static_cast<float>(static_cast<std::int8_t>(block[2 + j])) * d;
}

void iq4_nl(const Byte* __restrict block, float* __restrict out) {
  const float d = half_at(block);
  for (int j = 0; j < 16; ++j) {
    out[j] = d * kIq4Nl[block[2 + j] & 15];
    out[j + 16] = d * kIq4Nl[block[2 + j] >> 4];
  }
}

void mxfp4(const Byte* __restrict block, float* __restrict out) {
  const float d = half_e8m0(block[0]);
  for (int j = 0; j < 16; ++j) {
    out[j] = kE2m1Doubled[block[1 + j] & 15] * d;
    out[j + 16] = kE2m1Doubled[block[1 + j] >> 4] * d;
  }
}

// K-quants: 256 elements. Their bit layouts are those of block_q2_K .. block_q6_K in ggml-common.h.

void q2_k(const Byte* __restrict block, float* __restrict out) {
  const Byte* scales = block;
  const Byte* q = block + 16;
  const float d = half_at(block + 80), min = half_at(block + 82);
  for (int half = 0; half < 2; ++half, q += 32) {
    for (int shift = 0; shift < 8; shift += 2) {
      for (int part = 0; part < 2; ++part, ++scales, out += 16) {
        const float dl = d * static_cast<float>(*scales & 15), ml = min * static_cast<float>(*scales >> 4);
        for (int j = 0; j < 16; ++j) out[j] = dl * static_cast<float>(q[16 * part + j] >> shift & 3) - ml;
      }
    }
  }
}

void q3_k(const Byte* __restrict block, float* __restrict out) {
  const Byte* high = block;
  const Byte* q = block + 32;
  const Byte* packed = block + 96;
  const float d = half_at(block + 108);
  for (int group = 0; group < 16; ++group, out += 16) {
    // Four low bits in bytes 0-7 (low nibbles first), two high bits in bytes 8-11.
    const int low = group < 8 ? packed[group] & 15 : packed[group - 8] >> 4;
    const int scale = (low | (packed[8 + group % 4] >> (2 * (group / 4)) & 3) << 4) - 32;
    const float dl = d * static_cast<float>(scale);
    const int half = group / 8, shift = 2 * (group % 8 / 2), part = group % 2, bit = group / 2;
    for (int j = 0; j < 16; ++j) {
      const int value = (q[32 * half + 16 * part + j] >> shift & 3) - (high[16 * part + j] >> bit & 1 ? 0 : 4);
      out[j] = dl * static_cast<float>(value);
    }
  }
}

struct ScaleMin {
  int scale, min;
};

/// Six-bit scales and minima of Q4_K and Q5_K (get_scale_min_k4).
ScaleMin scale_min(const Byte* packed, int group) {
  if (group < 4) return {packed[group] & 63, packed[group + 4] & 63};
  return {(packed[group + 4] & 15) | (packed[group - 4] >> 6) << 4, (packed[group + 4] >> 4) | (packed[group] >> 6)
                                                                                                   << 4};
}

void q4_k(const Byte* __restrict block, float* __restrict out) {
  const float d = half_at(block), min = half_at(block + 2);
  for (int group = 0; group < 8; ++group, out += 32) {
    const ScaleMin s = scale_min(block + 4, group);
    const float dl = d * static_cast<float>(s.scale), ml = min * static_cast<float>(s.min);
    const Byte* q = block + 16 + 32 * (group / 2);
    const int shift = 4 * (group % 2);
    for (int j = 0; j < 32; ++j) out[j] = dl * static_cast<float>(q[j] >> shift & 15) - ml;
  }
}

void q5_k(const Byte* __restrict block, float* __restrict out) {
  const float d = half_at(block), min = half_at(block + 2);
  const Byte* high = block + 16;
  for (int group = 0; group < 8; ++group, out += 32) {
    const ScaleMin s = scale_min(block + 4, group);
    const float dl = d * static_cast<float>(s.scale), ml = min * static_cast<float>(s.min);
    const Byte* q = block + 48 + 32 * (group / 2);
    const int shift = 4 * (group % 2);
    for (int j = 0; j < 32; ++j) {
      const int value = (q[j] >> shift & 15) | (high[j] >> group & 1) << 4;
      out[j] = dl * static_cast<float>(value) - ml;
    }
  }
}

void q6_k(const Byte* __restrict block, float* __restrict out) {
  const float d = half_at(block + 208);
  for (int group = 0; group < 8; ++group, out += 32) {
    const int half = group / 4, quarter = group % 4;
    const Byte* low = block + 64 * half + 32 * (quarter % 2);
    const Byte* high = block + 128 + 32 * half;
    const auto* scales = reinterpret_cast<const std::int8_t*>(block + 192) + 2 * group;
    const int low_shift = 4 * (quarter / 2), high_shift = 2 * quarter;
    for (int part = 0; part < 2; ++part) {
      const float dl = d * static_cast<float>(scales[part]);
      for (int j = 16 * part; j < 16 * part + 16; ++j) {
        const int value = ((low[j] >> low_shift & 15) | (high[j] >> high_shift & 3) << 4) - 32;
        out[j] = dl * static_cast<float>(value);
      }
    }
  }
}

template <void (*kBlock)(const Byte* __restrict, float* __restrict)>
void blocks(const Byte* row, BlockSize size, std::int64_t count, float* out) {
  for (std::int64_t i = 0; i < count; i += size.elements, row += size.bytes, out += size.elements) kBlock(row, out);
}

template <class Stored, float (*kConvert)(Stored)>
void plain(const Byte* __restrict row, std::int64_t count, std::int64_t step, float* __restrict out) {
  if (step == 1) {
    for (std::int64_t i = 0; i < count; ++i) out[i] = kConvert(load<Stored>(row + i * sizeof(Stored)));
  } else {
    for (std::int64_t i = 0; i < count; ++i) out[i] = kConvert(load<Stored>(row + i * step * sizeof(Stored)));
  }
}

inline float same(float value) {
  return value;
}

}  // namespace

void dequantize_strided(DataType type, const std::byte* row, std::int64_t count, std::int64_t step,
                        float* out) noexcept {
  const auto* at = reinterpret_cast<const Byte*>(row);
  switch (type) {
    case DataType::kF32:
      return plain<float, same>(at, count, step, out);
    case DataType::kF16:
      return plain<std::uint16_t, from_f16>(at, count, step, out);
    default:
      return plain<std::uint16_t, from_bf16>(at, count, step, out);
  }
}

void dequantize(DataType type, const std::byte* row, std::int64_t count, float* out) noexcept {
  const auto* at = reinterpret_cast<const Byte*>(row);
  const BlockSize size = block_size(type);
  switch (type) {
    case DataType::kF32:
      std::memcpy(out, row, static_cast<std::size_t>(count) * sizeof(float));
      return;
    case DataType::kF16:
    case DataType::kBF16:
      return dequantize_strided(type, row, count, 1, out);
    case DataType::kF8E4M3:
      return plain<Byte, from_e4m3>(at, count, 1, out);
    case DataType::kQ4_0:
      return blocks<q4_0>(at, size, count, out);
    case DataType::kQ4_1:
      return blocks<q4_1>(at, size, count, out);
    case DataType::kQ5_0:
      return blocks<q5_0>(at, size, count, out);
    case DataType::kQ5_1:
      return blocks<q5_1>(at, size, count, out);
    case DataType::kQ8_0:
      return blocks<q8_0>(at, size, count, out);
    case DataType::kQ2_K:
      return blocks<q2_k>(at, size, count, out);
    case DataType::kQ3_K:
      return blocks<q3_k>(at, size, count, out);
    case DataType::kQ4_K:
      return blocks<q4_k>(at, size, count, out);
    case DataType::kQ5_K:
      return blocks<q5_k>(at, size, count, out);
    case DataType::kQ6_K:
      return blocks<q6_k>(at, size, count, out);
    case DataType::kIQ4_NL:
      return blocks<iq4_nl>(at, size, count, out);
    case DataType::kMXFP4:
      return blocks<mxfp4>(at, size, count, out);
  }
}

void dequantize_fp8(const std::byte* row, const std::byte* scales, std::int64_t count, float* out) noexcept {
  const auto* __restrict at = reinterpret_cast<const Byte*>(row);
  const auto* scale = reinterpret_cast<const Byte*>(scales);
  float* __restrict to = out;
  for (std::int64_t begin = 0; begin < count; begin += kFp8Block, scale += sizeof(float)) {
    const float s = load<float>(scale);
    const std::int64_t end = begin + kFp8Block < count ? begin + kFp8Block : count;
    for (std::int64_t i = begin; i < end; ++i) to[i] = from_e4m3(at[i]) * s;
  }
}

void dequantize_mxfp4_split(const std::byte* row, const std::byte* scales, std::int64_t count, float* out) noexcept {
  const auto* at = reinterpret_cast<const Byte*>(row);
  const auto* scale = reinterpret_cast<const Byte*>(scales);
  for (std::int64_t block = 0; block < count / 32; ++block, at += 16, out += 32) {
    const float d = scale[block] == 255 ? std::numeric_limits<float>::quiet_NaN() : half_e8m0(scale[block]);
    for (int j = 0; j < 16; ++j) {
      out[2 * j] = kE2m1Doubled[at[j] & 15] * d;
      out[2 * j + 1] = kE2m1Doubled[at[j] >> 4] * d;
    }
  }
}

}  // namespace candor::model

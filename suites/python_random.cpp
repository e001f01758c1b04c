#include "suites/python_random.h"

#include <bit>
#include <cmath>
#include <numeric>
#include <unordered_set>

#include "base/error.h"

namespace candor::suites {

PythonRandom::PythonRandom(std::uint64_t seed) {
  // init_by_array over the seed's 32-bit words, lowest first (Matsumoto and Nishimura 2002).
  const std::array<std::uint32_t, 2> key{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)};
  const std::size_t length = key[1] != 0 ? 2 : 1;
  initialize(19650218u);
  std::size_t i = 1, j = 0;
  for (std::size_t k = kWords; k > 0; --k) {
    state_[i] =
        (state_[i] ^ ((state_[i - 1] ^ (state_[i - 1] >> 30)) * 1664525u)) + key[j] + static_cast<std::uint32_t>(j);
    if (++i >= kWords) state_[0] = state_[kWords - 1], i = 1;
    if (++j >= length) j = 0;
  }
  for (std::size_t k = kWords - 1; k > 0; --k) {
    state_[i] = (state_[i] ^ ((state_[i - 1] ^ (state_[i - 1] >> 30)) * 1566083941u)) - static_cast<std::uint32_t>(i);
    if (++i >= kWords) state_[0] = state_[kWords - 1], i = 1;
  }
  state_[0] = 0x80000000u;
}

void PythonRandom::initialize(std::uint32_t seed) {
  state_[0] = seed;
  for (std::size_t i = 1; i < kWords; ++i)
    state_[i] = 1812433253u * (state_[i - 1] ^ (state_[i - 1] >> 30)) + static_cast<std::uint32_t>(i);
}

std::uint32_t PythonRandom::next() {
  constexpr std::size_t kShift = 397;
  if (index_ >= kWords) {
    for (std::size_t i = 0; i < kWords; ++i) {
      const std::uint32_t y = (state_[i] & 0x80000000u) | (state_[(i + 1) % kWords] & 0x7fffffffu);
      state_[i] = state_[(i + kShift) % kWords] ^ (y >> 1) ^ ((y & 1u) != 0 ? 0x9908b0dfu : 0u);
    }
    index_ = 0;
  }
  std::uint32_t y = state_[index_++];
  y ^= y >> 11;
  y ^= (y << 7) & 0x9d2c5680u;
  y ^= (y << 15) & 0xefc60000u;
  return y ^ (y >> 18);
}

double PythonRandom::random() {
  const std::uint32_t high = next() >> 5, low = next() >> 6;
  return (high * 67108864.0 + low) * (1.0 / 9007199254740992.0);
}

std::uint32_t PythonRandom::below(std::uint32_t limit) {
  const int bits = std::bit_width(limit);
  while (true) {
    const std::uint32_t drawn = next() >> (32 - bits);
    if (drawn < limit) return drawn;
  }
}

std::vector<std::size_t> PythonRandom::sample(std::size_t population, std::size_t count) {
  CANDOR_CHECK(count <= population && population < (std::size_t{1} << 32), "a sample larger than the population");
  // Lib/random.py: a pool is cheaper than a set up to this size, and the two draw differently.
  double set_size = 21.0;
  if (count > 5) set_size += std::pow(4.0, std::ceil(std::log(static_cast<double>(count) * 3.0) / std::log(4.0)));
  std::vector<std::size_t> drawn;
  drawn.reserve(count);
  if (static_cast<double>(population) <= set_size) {
    std::vector<std::size_t> pool(population);
    std::iota(pool.begin(), pool.end(), std::size_t{0});
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t j = below(static_cast<std::uint32_t>(population - i));
      drawn.push_back(pool[j]);
      pool[j] = pool[population - i - 1];
    }
    return drawn;
  }
  std::unordered_set<std::size_t> selected;
  while (drawn.size() < count) {
    const std::size_t j = below(static_cast<std::uint32_t>(population));
    if (selected.insert(j).second) drawn.push_back(j);
  }
  return drawn;
}

std::size_t PythonRandom::choice(std::size_t population) {
  return static_cast<std::size_t>(random() * static_cast<double>(population));
}

}  // namespace candor::suites

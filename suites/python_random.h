// CPython's random.Random: MT19937 and what the few-shot draws and the bootstrap take from it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace candor::suites {

/// random.Random(seed) for an integer seed (CPython 3.11, Modules/_randommodule.c and Lib/random.py).
class PythonRandom {
 public:
  explicit PythonRandom(std::uint64_t seed);

  double random();                           ///< In [0, 1), 53 bits.
  std::uint32_t below(std::uint32_t limit);  ///< randrange(limit); limit > 0.
  /// Indices that random.sample(range(population), count) gives; count <= population.
  std::vector<std::size_t> sample(std::size_t population, std::size_t count);
  /// One index of random.choices(range(population), k=...).
  std::size_t choice(std::size_t population);

 private:
  static constexpr std::size_t kWords = 624;
  void initialize(std::uint32_t seed);
  std::uint32_t next();

  std::array<std::uint32_t, kWords> state_;
  std::size_t index_ = kWords;
};

}  // namespace candor::suites

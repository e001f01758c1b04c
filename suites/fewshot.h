// Which documents are the examples of a prompt.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/value.h"
#include "suites/python_random.h"

namespace candor::suites {

/// Draws examples as lm_eval/api/samplers.py does. One sampler serves a task's whole run: each draw advances its
/// generator, so documents must be asked for in order.
class FewshotSampler {
 public:
  /// @param pool     must outlive this.
  /// @param first_n  the first n of the pool instead of a draw.
  FewshotSampler(const std::vector<Dict>& pool, bool first_n, std::uint64_t seed, std::string where);

  /// Indices into the pool.
  /// @param excluded  a document that must not be among them, or null.
  /// @throws Error{kBadInput} if the pool is too small.
  std::vector<std::size_t> draw(std::size_t count, const Dict* excluded);

 private:
  std::vector<std::size_t> sample_of(const std::vector<std::size_t>& candidates, std::size_t count);
  std::vector<std::size_t> others(const Dict& document) const;

  const std::vector<Dict>& pool_;
  bool first_n_;
  PythonRandom random_;
  std::string where_;
};

}  // namespace candor::suites

// Rotary position embedding: cos and sin by position.
#pragma once

#include <cstddef>
#include <vector>

#include "engine/model/spec.h"

namespace candor::cpu {

/// Tables for positions up to what was asked for, in f32 as transformers computes them: inverse frequencies rounded to
/// f32, angle = position · frequency rounded to f32, then cos and sin.
class RopeTable {
 public:
  RopeTable() = default;
  explicit RopeTable(const model::RopeSpec& spec);

  /// Makes sure that positions [0, count) are there. Not from several threads at once.
  void extend(std::size_t count);
  std::size_t half() const noexcept { return frequencies_.size(); }
  const float* cos(std::size_t position) const noexcept { return cos_.data() + position * half(); }
  const float* sin(std::size_t position) const noexcept { return sin_.data() + position * half(); }
  const std::vector<float>& frequencies() const noexcept { return frequencies_; }

 private:
  std::vector<float> frequencies_;  // [dims / 2]
  double scale_ = 1.0;
  std::size_t positions_ = 0;
  std::vector<float> cos_, sin_;  // [positions, dims / 2]
};

}  // namespace candor::cpu

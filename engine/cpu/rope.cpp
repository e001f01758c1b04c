#include "engine/cpu/rope.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/error.h"

namespace candor::cpu {
namespace {

using model::RopeSpec;

/// transformers' modeling_rope_utils, _compute_llama3_parameters.
double llama3(const RopeSpec& spec, double frequency) {
  const double wavelength = 2.0 * std::numbers::pi / frequency;
  const auto original = static_cast<double>(spec.original_context);
  if (wavelength < original / spec.high_freq_factor) return frequency;
  if (wavelength > original / spec.low_freq_factor) return frequency / spec.factor;
  const double smooth = (original / wavelength - spec.low_freq_factor) / (spec.high_freq_factor - spec.low_freq_factor);
  return (1.0 - smooth) * frequency / spec.factor + smooth * frequency;
}

/// The same file, _compute_yarn_parameters: a ramp between interpolated and original frequencies.
double yarn(const RopeSpec& spec, int index, double frequency) {
  const auto correction = [&](double rotations) {
    return spec.dims * std::log(static_cast<double>(spec.original_context) / (rotations * 2.0 * std::numbers::pi)) /
           (2.0 * std::log(spec.theta));
  };
  double low = correction(spec.beta_fast), high = correction(spec.beta_slow);
  if (spec.truncate) low = std::floor(low), high = std::ceil(high);
  low = std::max(low, 0.0);
  high = std::min(high, spec.dims - 1.0);
  if (low == high) high += 0.001;
  const double ramp = std::clamp((index - low) / (high - low), 0.0, 1.0);
  return frequency / spec.factor * ramp + frequency * (1.0 - ramp);
}

}  // namespace

RopeTable::RopeTable(const RopeSpec& spec) : scale_(spec.cos_sin_scale) {
  for (int i = 0; i < spec.dims / 2; ++i) {
    double frequency = std::pow(spec.theta, -2.0 * i / spec.dims);
    switch (spec.scaling) {
      case RopeSpec::Scaling::kNone:
        break;
      case RopeSpec::Scaling::kLinear:
        frequency /= spec.factor;
        break;
      case RopeSpec::Scaling::kLlama3:
        frequency = llama3(spec, frequency);
        break;
      case RopeSpec::Scaling::kYarn:
        frequency = yarn(spec, i, frequency);
        break;
    }
    if (!spec.factors.empty()) {
      CANDOR_CHECK(spec.factors.size() == static_cast<std::size_t>(spec.dims / 2), "rope factors");
      frequency /= spec.factors[static_cast<std::size_t>(i)];
    }
    frequencies_.push_back(static_cast<float>(frequency));
  }
}

void RopeTable::extend(std::size_t count) {
  if (count <= positions_) return;
  cos_.resize(count * half());
  sin_.resize(count * half());
  for (std::size_t position = positions_; position < count; ++position)
    for (std::size_t i = 0; i < half(); ++i) {
      const float angle = static_cast<float>(position) * frequencies_[i];
      cos_[position * half() + i] = static_cast<float>(std::cos(static_cast<double>(angle)) * scale_);
      sin_[position * half() + i] = static_cast<float>(std::sin(static_cast<double>(angle)) * scale_);
    }
  positions_ = count;
}

}  // namespace candor::cpu

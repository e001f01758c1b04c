// The draw of a token from logits, reproducible by request and position.
#pragma once

#include <cstdint>
#include <span>

#include "engine/cpu/kernels.h"
#include "engine/language_model.h"

namespace candor::engine {

/// Draws from softmax(logits / temperature), restricted to the top_k best and then to the smallest set of best tokens
/// whose probabilities reach top_p (Holtzman et al. 1904.09751, 3.1). Ties are ranked by id.
///
/// @param logits    [vocab_size]; overwritten.
/// @param position  of the new token: with the seed it alone decides the random number.
TokenId sample(const cpu::Kernels& kernels, std::span<float> logits, const Sampling& sampling, std::uint64_t position);

/// A number in [0, 1) from a seed and a counter (splitmix64's finaliser, Steele, Lea, Flood 2014).
double keyed_uniform(std::uint64_t seed, std::uint64_t counter);

}  // namespace candor::engine

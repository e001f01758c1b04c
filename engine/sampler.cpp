#include "engine/sampler.h"

#include <algorithm>
#include <numeric>
#include <vector>

namespace candor::engine {
namespace {

std::uint64_t mix(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
  return x ^ (x >> 31);
}

}  // namespace

double keyed_uniform(std::uint64_t seed, std::uint64_t counter) {
  const std::uint64_t bits = mix(mix(seed + 0x9e3779b97f4a7c15ull) + (counter + 1) * 0x9e3779b97f4a7c15ull);
  return static_cast<double>(bits >> 11) * 0x1p-53;
}

TokenId sample(const cpu::Kernels& kernels, std::span<float> logits, const Sampling& sampling, std::uint64_t position) {
  std::vector<TokenId> order(logits.size());
  std::iota(order.begin(), order.end(), 0);
  const auto better = [&](TokenId a, TokenId b) {
    const float x = logits[static_cast<std::size_t>(a)], y = logits[static_cast<std::size_t>(b)];
    return x != y ? x > y : a < b;
  };
  std::size_t kept = order.size();
  if (sampling.top_k > 0) kept = std::min(kept, static_cast<std::size_t>(sampling.top_k));
  std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(kept), order.end(), better);
  std::vector<float> p(kept);
  for (std::size_t i = 0; i < kept; ++i) p[i] = logits[static_cast<std::size_t>(order[i])] / sampling.temperature;
  kernels.softmax(p.data(), kept);
  double total = 0.0;
  std::size_t nucleus = 0;
  while (nucleus < kept && (nucleus == 0 || total < double{sampling.top_p})) total += double{p[nucleus++]};
  double left = keyed_uniform(sampling.seed, position) * total;
  for (std::size_t i = 0; i + 1 < nucleus; ++i) {
    left -= double{p[i]};
    if (left < 0.0) return order[i];
  }
  return order[nucleus - 1];
}

}  // namespace candor::engine

#include "suites/fewshot.h"

#include <numeric>

#include "base/error.h"

namespace candor::suites {

FewshotSampler::FewshotSampler(const std::vector<Dict>& pool, bool first_n, std::uint64_t seed, std::string where)
    : pool_(pool), first_n_(first_n), random_(seed), where_(std::move(where)) {}

std::vector<std::size_t> FewshotSampler::others(const Dict& document) const {
  std::vector<std::size_t> others;
  for (std::size_t i = 0; i < pool_.size(); ++i)
    if (!(pool_[i] == document)) others.push_back(i);
  return others;
}

std::vector<std::size_t> FewshotSampler::sample_of(const std::vector<std::size_t>& candidates, std::size_t count) {
  if (count > candidates.size())
    throw Error(
        ErrorKind::kBadInput, where_,
        std::to_string(count) + " examples are to be drawn, but the pool has " + std::to_string(candidates.size()),
        "ask for fewer with --num-fewshot");
  std::vector<std::size_t> drawn = random_.sample(candidates.size(), count);
  for (std::size_t& index : drawn) index = candidates[index];
  return drawn;
}

std::vector<std::size_t> FewshotSampler::draw(std::size_t count, const Dict* excluded) {
  std::vector<std::size_t> all(pool_.size());
  std::iota(all.begin(), all.end(), std::size_t{0});
  if (count == 0) return {};
  if (first_n_) {
    std::vector<std::size_t> pool = excluded != nullptr ? others(*excluded) : std::move(all);
    if (count > pool.size())
      throw Error(ErrorKind::kBadInput, where_,
                  std::to_string(count) + " examples are asked for, but there are " + std::to_string(pool.size()),
                  "ask for fewer with --num-fewshot");
    pool.resize(count);
    return pool;
  }
  if (excluded == nullptr) return sample_of(all, count);
  // One more is drawn than needed, in case the document itself is among them.
  std::vector<std::size_t> drawn;
  for (const std::size_t index : sample_of(all, count + 1))
    if (drawn.size() < count && !(pool_[index] == *excluded)) drawn.push_back(index);
  return drawn.size() == count ? drawn : sample_of(others(*excluded), count);
}

}  // namespace candor::suites

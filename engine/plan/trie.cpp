#include "engine/plan/trie.h"

#include <algorithm>
#include <numeric>

#include "base/error.h"

namespace candor::plan {
namespace {

std::size_t common_prefix(std::span<const std::int32_t> a, std::span<const std::int32_t> b) {
  const std::size_t limit = std::min(a.size(), b.size());
  std::size_t length = 0;
  while (length < limit && a[length] == b[length]) ++length;
  return length;
}

}  // namespace

TokenTrie::TokenTrie(std::span<const std::span<const std::int32_t>> sequences, bool share) {
  last_rows_.resize(sequences.size());
  order_.resize(sequences.size());
  std::iota(order_.begin(), order_.end(), 0);
  const auto sequence = [&](std::int32_t index) { return sequences[static_cast<std::size_t>(index)]; };
  if (share)
    std::stable_sort(order_.begin(), order_.end(), [&](std::int32_t a, std::int32_t b) {
      return std::lexicographical_compare(sequence(a).begin(), sequence(a).end(), sequence(b).begin(),
                                          sequence(b).end());
    });

  std::vector<std::int32_t> path;  // segments from the root to the last token of the sequence before
  std::span<const std::int32_t> before;
  for (const std::int32_t index : order_) {
    const std::span<const std::int32_t> tokens = sequence(index);
    CANDOR_CHECK(!tokens.empty(), "a sequence without tokens");
    const auto shared = static_cast<std::int32_t>(share ? common_prefix(before, tokens) : 0);
    while (!path.empty() && segments_[static_cast<std::size_t>(path.back())].start >= shared) path.pop_back();
    if (!path.empty()) {
      const Segment& last = segments_[static_cast<std::size_t>(path.back())];
      if (last.start + last.rows > shared) {
        split(path.back(), shared - last.start);
        path.back() = static_cast<std::int32_t>(segments_.size()) - 1;
      }
    }
    if (shared < static_cast<std::int32_t>(tokens.size())) {
      segments_.push_back(
          {path.empty() ? -1 : path.back(), rows(), static_cast<std::int32_t>(tokens.size()) - shared, shared});
      tokens_.insert(tokens_.end(), tokens.begin() + shared, tokens.end());
      path.push_back(static_cast<std::int32_t>(segments_.size()) - 1);
    }
    // A sequence ends on its own last row, or on the last row so far when it equals the one before.
    last_rows_[static_cast<std::size_t>(index)] = rows() - 1;
    before = tokens;
  }
  renumber();
}

/// The lower part keeps the segment's number, so that its children need no change; the upper part gets a new one.
void TokenTrie::split(std::int32_t segment, std::int32_t keep_rows) {
  Segment upper = segments_[static_cast<std::size_t>(segment)];
  Segment& lower = segments_[static_cast<std::size_t>(segment)];
  const auto number = static_cast<std::int32_t>(segments_.size());
  upper.rows = keep_rows;
  lower.parent = number;
  lower.first_row += keep_rows;
  lower.start += keep_rows;
  lower.rows -= keep_rows;
  segments_.push_back(upper);
}

void TokenTrie::renumber() {
  std::vector<std::int32_t> by_row(segments_.size()), number(segments_.size());
  std::iota(by_row.begin(), by_row.end(), 0);
  std::sort(by_row.begin(), by_row.end(), [&](std::int32_t a, std::int32_t b) {
    return segments_[static_cast<std::size_t>(a)].first_row < segments_[static_cast<std::size_t>(b)].first_row;
  });
  std::vector<Segment> sorted;
  sorted.reserve(segments_.size());
  for (std::size_t i = 0; i < by_row.size(); ++i) {
    number[static_cast<std::size_t>(by_row[i])] = static_cast<std::int32_t>(i);
    sorted.push_back(segments_[static_cast<std::size_t>(by_row[i])]);
  }
  for (Segment& segment : sorted)
    if (segment.parent >= 0) segment.parent = number[static_cast<std::size_t>(segment.parent)];
  segments_ = std::move(sorted);
  ends_.resize(last_rows_.size());
  for (std::size_t i = 0; i < ends_.size(); ++i) {
    const auto after =
        std::upper_bound(segments_.begin(), segments_.end(), last_rows_[i],
                         [](std::int64_t row, const Segment& segment) { return row < segment.first_row; });
    const auto index = static_cast<std::int32_t>(after - segments_.begin()) - 1;
    const Segment& segment = segments_[static_cast<std::size_t>(index)];
    ends_[i] = {index, static_cast<std::int32_t>(last_rows_[i] - segment.first_row)};
  }
}

std::int64_t TokenTrie::row_of(std::size_t sequence, std::int64_t position) const noexcept {
  std::int32_t index = ends_[sequence].segment;
  while (segments_[static_cast<std::size_t>(index)].start > position)
    index = segments_[static_cast<std::size_t>(index)].parent;
  const Segment& segment = segments_[static_cast<std::size_t>(index)];
  return segment.first_row + (position - segment.start);
}

void TokenTrie::cut_at(std::span<const std::int64_t> boundaries) {
  std::size_t next = 0;
  const std::size_t count = segments_.size();
  for (std::size_t i = 0; i < count; ++i) {
    while (next < boundaries.size() && boundaries[next] <= segments_[i].first_row) ++next;
    // The lower part keeps number i: the boundaries after this one cut it further.
    for (; next < boundaries.size() && boundaries[next] < segments_[i].first_row + segments_[i].rows; ++next)
      split(static_cast<std::int32_t>(i), static_cast<std::int32_t>(boundaries[next] - segments_[i].first_row));
  }
  renumber();
}

}  // namespace candor::plan

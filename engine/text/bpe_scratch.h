// The memory that Bpe works in: lists for one word, and the words it has met lately.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "engine/text/bpe.h"

namespace candor::text {

/// Ids of short words, by hash; a word that falls on another's place takes it. One mebibyte.
class WordCache {
 public:
  static constexpr std::size_t kLongestWord = 30;

  struct Entry {
    std::uint8_t length = 0;  // 0: empty
    std::uint8_t count = 0;
    char word[kLongestWord];
    TokenId ids[8];

    bool holds(std::string_view wanted) const noexcept {
      return length == wanted.size() && std::memcmp(word, wanted.data(), length) == 0 && length != 0;
    }
    void keep(std::string_view text, const TokenId* from, std::size_t how_many) noexcept {
      if (how_many > 8) return;
      length = static_cast<std::uint8_t>(text.size());
      count = static_cast<std::uint8_t>(how_many);
      std::memcpy(word, text.data(), text.size());
      std::memcpy(ids, from, how_many * sizeof(TokenId));
    }
  };

  Entry& entry(std::uint64_t hash) noexcept { return entries_[hash % kEntries]; }

 private:
  static constexpr std::size_t kEntries = std::size_t{1} << 14;
  std::vector<Entry> entries_ = std::vector<Entry>(kEntries);
};

struct Bpe::Scratch final : ModelScratch {
  struct Candidate {
    std::uint64_t order;  ///< Rank, then place: the smallest is joined first.
    std::int32_t result;
  };
  WordCache cache;
  std::string text;
  std::vector<std::int32_t> symbols;
  std::vector<std::uint32_t> previous, next;
  std::vector<Candidate> heap;
};

}  // namespace candor::text

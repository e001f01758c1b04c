// Tokens by text and by id.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/text/tokenizer.h"

namespace candor::text {

inline constexpr TokenId kNoToken = -1;

/// Ids above this are refused: tables are indexed by id.
inline constexpr TokenId kMaxTokenId = (1 << 24) - 1;

/// 64-bit hash of bytes; the same in every run.
std::uint64_t hash_bytes(std::string_view bytes) noexcept;

/// A map between texts and ids; texts live in one block of memory, look-up is one probe into a flat table.
class Vocabulary {
 public:
  void reserve(std::size_t tokens, std::size_t bytes);
  /// Of a text that comes twice the last one counts. `id` is in 0 .. kMaxTokenId and not taken.
  void add(std::string_view text, TokenId id);

  TokenId find(std::string_view text) const noexcept;  ///< kNoToken: none.
  std::string_view text(TokenId id) const noexcept;    ///< Empty: none. Lives until the next `add`.
  bool contains(TokenId id) const noexcept;
  std::size_t count() const noexcept { return count_; }          ///< Distinct texts.
  std::size_t size() const noexcept { return entries_.size(); }  ///< One more than the largest id.

 private:
  struct Entry {
    std::uint32_t offset = 0;
    std::int32_t length = -1;  // negative: no such token
  };
  struct Slot {
    std::uint32_t hash = 0;
    TokenId id = kNoToken;
  };
  std::size_t slot_of(std::string_view text, std::uint64_t hash) const noexcept;
  void rehash(std::size_t slots);

  std::string arena_;
  std::vector<Entry> entries_;
  std::vector<Slot> slots_;
  std::size_t count_ = 0;
};

}  // namespace candor::text

#include "engine/text/tokenizer_vocabulary.h"

#include <bit>
#include <cstring>
#include <limits>

#include "base/error.h"

namespace candor::text {
namespace {

std::uint64_t mix(std::uint64_t a, std::uint64_t b) noexcept {
  __extension__ using Wide = unsigned __int128;
  const Wide product = static_cast<Wide>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

std::uint64_t load(const char* at, std::size_t bytes) noexcept {
  std::uint64_t word = 0;
  std::memcpy(&word, at, bytes);
  return word;
}

}  // namespace

std::uint64_t hash_bytes(std::string_view bytes) noexcept {
  constexpr std::uint64_t kA = 0x9e3779b97f4a7c15u, kB = 0xd1b54a32d192ed03u;
  std::uint64_t state = kA ^ bytes.size();
  const char* at = bytes.data();
  std::size_t left = bytes.size();
  for (; left > 8; left -= 8, at += 8) state = mix(state ^ load(at, 8), kB);
  return mix(state ^ load(at, left), kA ^ (kB << 1));
}

void Vocabulary::reserve(std::size_t tokens, std::size_t bytes) {
  arena_.reserve(bytes);
  entries_.reserve(tokens);
  if (tokens * 2 > slots_.size()) rehash(std::bit_ceil(tokens * 2));
}

std::size_t Vocabulary::slot_of(std::string_view wanted, std::uint64_t hash) const noexcept {
  const std::size_t mask = slots_.size() - 1;
  const auto tag = static_cast<std::uint32_t>(hash >> 32);
  for (std::size_t slot = hash & mask;; slot = (slot + 1) & mask) {
    const Slot& candidate = slots_[slot];
    if (candidate.id == kNoToken || (candidate.hash == tag && text(candidate.id) == wanted)) return slot;
  }
}

void Vocabulary::rehash(std::size_t slots) {
  slots_.assign(slots, Slot{});
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    const auto id = static_cast<TokenId>(i);
    if (!contains(id)) continue;
    const std::uint64_t hash = hash_bytes(text(id));
    slots_[slot_of(text(id), hash)] = {static_cast<std::uint32_t>(hash >> 32), id};
  }
}

void Vocabulary::add(std::string_view text, TokenId id) {
  CANDOR_CHECK(id >= 0 && id <= kMaxTokenId, "token id out of range");
  CANDOR_CHECK(arena_.size() + text.size() <= std::numeric_limits<std::uint32_t>::max(), "vocabulary above 4 GiB");
  if ((count_ + 1) * 2 > slots_.size()) rehash(std::max<std::size_t>(16, slots_.size() * 2));
  const auto index = static_cast<std::size_t>(id);
  if (index >= entries_.size()) entries_.resize(index + 1);
  CANDOR_CHECK(!contains(id), "token id given twice");
  const std::uint64_t hash = hash_bytes(text);
  Slot& slot = slots_[slot_of(text, hash)];
  if (slot.id == kNoToken)
    ++count_;
  else
    entries_[static_cast<std::size_t>(slot.id)].length = -1;
  slot = {static_cast<std::uint32_t>(hash >> 32), id};
  entries_[index] = {static_cast<std::uint32_t>(arena_.size()), static_cast<std::int32_t>(text.size())};
  arena_ += text;
}

TokenId Vocabulary::find(std::string_view text) const noexcept {
  if (slots_.empty()) return kNoToken;
  return slots_[slot_of(text, hash_bytes(text))].id;
}

std::string_view Vocabulary::text(TokenId id) const noexcept {
  if (!contains(id)) return {};
  const Entry& entry = entries_[static_cast<std::size_t>(id)];
  return std::string_view(arena_).substr(entry.offset, static_cast<std::size_t>(entry.length));
}

bool Vocabulary::contains(TokenId id) const noexcept {
  return id >= 0 && static_cast<std::size_t>(id) < entries_.size() &&
         entries_[static_cast<std::size_t>(id)].length >= 0;
}

}  // namespace candor::text

#include "engine/text/bpe.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>

#include "base/utf8.h"
#include "engine/text/bpe_scratch.h"
#include "engine/text/byte_level.h"
#include "engine/text/tokenizer_unicode.h"

namespace candor::text {
namespace {

constexpr std::string_view kSpaceMark = "\xe2\x96\x81";  // U+2581, SentencePiece's space
constexpr char32_t kSpaceMarkCharacter = 0x2581;
constexpr std::uint64_t kEmptyKey = ~std::uint64_t{0};

std::uint64_t key_of(std::int32_t left, std::int32_t right) noexcept {
  return (std::uint64_t{static_cast<std::uint32_t>(left)} << 32) | static_cast<std::uint32_t>(right);
}

std::size_t place_of(std::uint64_t key) noexcept {
  // Fibonacci hashing on the folded key: consecutive ids spread over the whole table.
  const std::uint64_t hash = (key ^ (key >> 29)) * 0x9e3779b97f4a7c15u;
  return hash ^ (hash >> 32);
}

std::string byte_token(unsigned byte) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  return {'<', '0', 'x', kDigits[byte >> 4], kDigits[byte & 15], '>'};
}

}  // namespace

Bpe::Bpe(const Vocabulary& vocabulary, BpeOptions options, const std::vector<BpeMerge>& merges,
         const std::vector<BpePseudoSymbol>& pseudo)
    : vocabulary_(vocabulary), options_(std::move(options)) {
  pairs_.resize(std::bit_ceil(std::max<std::size_t>(16, merges.size() * 2)));
  for (const BpeMerge& merge : merges) insert(merge);
  for (unsigned byte = 0; byte < 256; ++byte) {
    byte_symbols_[byte] = vocabulary.find(byte_level_character(static_cast<unsigned char>(byte)));
    byte_tokens_[byte] = vocabulary.find(byte_token(byte));
  }
  if (!options_.bytes) index_characters(pseudo);
  cuts_at_mark_ = may_cut_at_mark(merges);
}

void Bpe::insert(const BpeMerge& merge) {
  const std::uint64_t key = key_of(merge.left, merge.right);
  const std::size_t mask = pairs_.size() - 1;
  std::size_t at = place_of(key) & mask;
  while (pairs_[at].key != kEmptyKey && pairs_[at].key != key) at = (at + 1) & mask;
  pairs_[at] = {key, merge.rank, merge.result};
}

const Bpe::Pair* Bpe::find(std::int32_t left, std::int32_t right) const noexcept {
  const std::uint64_t key = key_of(left, right);
  const std::size_t mask = pairs_.size() - 1;
  for (std::size_t at = place_of(key) & mask;; at = (at + 1) & mask) {
    if (pairs_[at].key == key) return &pairs_[at];
    if (pairs_[at].key == kEmptyKey) return nullptr;
  }
}

void Bpe::index_characters(const std::vector<BpePseudoSymbol>& pseudo) {
  page_of_.assign(0x1100, -1);
  const auto set = [&](char32_t c, std::int32_t symbol) {
    std::int32_t& page = page_of_[c >> 8];
    if (page < 0) {
      page = static_cast<std::int32_t>(pages_.size());
      pages_.emplace_back().fill(kNoToken);
    }
    pages_[static_cast<std::size_t>(page)][c & 0xff] = symbol;
  };
  for (std::size_t i = 0; i < vocabulary_.size(); ++i) {
    const auto id = static_cast<TokenId>(i);
    const std::string_view text = vocabulary_.text(id);
    if (text.empty() || text.size() != utf8_length(text[0])) continue;
    std::size_t at = 0;
    set(next_code_point(text, at), id);
  }
  for (const BpePseudoSymbol& symbol : pseudo) {
    set(symbol.character, symbol.id);
    const std::size_t index = static_cast<std::size_t>(symbol.id) - vocabulary_.size();
    if (index >= pseudo_.size()) pseudo_.resize(index + 1);
    pseudo_[index] = symbol.character;
  }
}

/// Whether a word may be cut before each run of marks without a change of its ids: no merge joins a mark to something
/// before it that is no mark. Then a text without pre-tokeniser (Llama 2, Mistral) is encoded word by word.
bool Bpe::may_cut_at_mark(const std::vector<BpeMerge>& merges) const {
  if (options_.bytes || options_.ignore_merges || !options_.continuing_prefix.empty() || !options_.end_suffix.empty())
    return false;
  const std::int32_t mark = symbol_of(kSpaceMarkCharacter);
  if (mark < 0 || static_cast<std::size_t>(mark) >= vocabulary_.size() || mark == options_.unknown) return false;
  return std::none_of(merges.begin(), merges.end(), [&](const BpeMerge& merge) {
    const std::string_view text = vocabulary_.text(merge.result);
    const std::size_t body = text.find_first_not_of(kSpaceMark);
    // find_first_not_of looks at bytes: a character that shares a byte with the mark only makes this more cautious.
    return body != std::string_view::npos &&
           text.find(kSpaceMark, body - body % kSpaceMark.size()) != std::string_view::npos;
  });
}

std::int32_t Bpe::symbol_of(char32_t c) const noexcept {
  const std::int32_t page = page_of_[c >> 8];
  return page < 0 ? kNoToken : pages_[static_cast<std::size_t>(page)][c & 0xff];
}

std::unique_ptr<ModelScratch> Bpe::scratch() const {
  return std::make_unique<Scratch>();
}

void Bpe::encode(std::string_view word, ModelScratch& scratch, std::vector<TokenId>& ids) const {
  auto& own = static_cast<Scratch&>(scratch);
  if (!cuts_at_mark_) return encode_part(word, own, ids);
  for (std::size_t begin = 0; begin < word.size();) {
    std::size_t end = begin;
    while (word.substr(end).starts_with(kSpaceMark)) end += kSpaceMark.size();
    end = std::min(word.find(kSpaceMark, end), word.size());
    encode_part(word.substr(begin, end - begin), own, ids);
    begin = end;
  }
}

void Bpe::encode_part(std::string_view part, Scratch& scratch, std::vector<TokenId>& ids) const {
  if (part.size() > WordCache::kLongestWord) return encode_uncached(part, scratch, ids);
  WordCache::Entry& entry = scratch.cache.entry(hash_bytes(part));
  if (entry.holds(part)) {
    ids.insert(ids.end(), entry.ids, entry.ids + entry.count);
    return;
  }
  const std::size_t before = ids.size();
  encode_uncached(part, scratch, ids);
  entry.keep(part, ids.data() + before, ids.size() - before);
}

void Bpe::encode_uncached(std::string_view part, Scratch& scratch, std::vector<TokenId>& ids) const {
  constexpr std::size_t kShort = 64;  // below, scanning an array beats a heap
  if (options_.ignore_merges) {
    TokenId id = kNoToken;
    if (options_.bytes) {
      scratch.text.clear();
      append_byte_level(scratch.text, part);
      id = vocabulary_.find(scratch.text);
    } else {
      id = vocabulary_.find(part);
    }
    if (id != kNoToken) {
      ids.push_back(id);
      return;
    }
  }
  scratch.symbols.clear();
  make_symbols(part, scratch.symbols);
  if (scratch.symbols.size() <= kShort)
    merge_short(scratch.symbols);
  else
    merge_long(scratch);
  append_ids(scratch.symbols, ids);
}

void Bpe::make_symbols(std::string_view part, std::vector<std::int32_t>& symbols) const {
  if (!options_.continuing_prefix.empty() || !options_.end_suffix.empty()) return make_affixed_symbols(part, symbols);
  // The library holds an unknown token back until a known character comes, and byte tokens overtake it; so does this.
  bool pending = false;
  const auto known = [&](std::int32_t symbol) {
    if (pending) symbols.push_back(options_.unknown);
    pending = false;
    symbols.push_back(symbol);
  };
  const auto unknown = [&](std::string_view character) {
    if (options_.byte_fallback && append_byte_tokens(character, symbols)) return;
    if (options_.unknown == kNoToken) return;
    if (pending && !options_.fuse_unknown) symbols.push_back(options_.unknown);
    pending = true;
  };
  if (options_.bytes) {
    for (const char c : part) {
      const auto byte = static_cast<unsigned char>(c);
      if (byte_symbols_[byte] != kNoToken)
        known(byte_symbols_[byte]);
      else
        unknown(byte_level_character(byte));
    }
  } else {
    for (std::size_t at = 0; at < part.size();) {
      const std::size_t begin = at;
      const std::int32_t symbol = symbol_of(next_code_point(part, at));
      if (symbol != kNoToken)
        known(symbol);
      else
        unknown(part.substr(begin, at - begin));
    }
  }
  if (pending) symbols.push_back(options_.unknown);
}

/// The same for vocabularies whose tokens say whether they continue or end a word.
void Bpe::make_affixed_symbols(std::string_view part, std::vector<std::int32_t>& symbols) const {
  std::string mapped;
  if (options_.bytes) {
    append_byte_level(mapped, part);
    part = mapped;
  }
  bool pending = false;
  for (std::size_t at = 0; at < part.size();) {
    const std::size_t length = utf8_length(part[at]);
    std::string text(part.substr(at, length));
    if (at > 0) text.insert(0, options_.continuing_prefix);
    at += length;
    if (at >= part.size()) text += options_.end_suffix;
    const TokenId id = vocabulary_.find(text);
    if (id != kNoToken) {
      if (pending) symbols.push_back(options_.unknown);
      pending = false;
      symbols.push_back(id);
    } else if (!(options_.byte_fallback && append_byte_tokens(text, symbols)) && options_.unknown != kNoToken) {
      if (pending && !options_.fuse_unknown) symbols.push_back(options_.unknown);
      pending = true;
    }
  }
  if (pending) symbols.push_back(options_.unknown);
}

bool Bpe::append_byte_tokens(std::string_view character, std::vector<std::int32_t>& symbols) const {
  for (const char byte : character)
    if (byte_tokens_[static_cast<unsigned char>(byte)] == kNoToken) return false;
  for (const char byte : character) symbols.push_back(byte_tokens_[static_cast<unsigned char>(byte)]);
  return true;
}

void Bpe::merge_short(std::vector<std::int32_t>& symbols) const {
  constexpr std::uint32_t kNever = std::numeric_limits<std::uint32_t>::max();
  std::array<std::uint32_t, 64> ranks;
  std::array<std::int32_t, 64> results;
  std::size_t count = symbols.size();
  const auto look_up = [&](std::size_t i) {
    const Pair* pair = find(symbols[i], symbols[i + 1]);
    ranks[i] = pair != nullptr ? pair->rank : kNever;
    results[i] = pair != nullptr ? pair->result : 0;
  };
  for (std::size_t i = 0; i + 1 < count; ++i) look_up(i);
  while (count > 1) {
    std::size_t best = 0;
    for (std::size_t i = 1; i + 1 < count; ++i)
      if (ranks[i] < ranks[best]) best = i;
    if (ranks[best] == kNever) break;
    symbols[best] = results[best];
    --count;
    for (std::size_t i = best + 1; i < count; ++i) {
      symbols[i] = symbols[i + 1];
      ranks[i - 1] = ranks[i];
      results[i - 1] = results[i];
    }
    if (best > 0) look_up(best - 1);
    if (best + 1 < count) look_up(best);
  }
  symbols.resize(count);
}

void Bpe::merge_long(Scratch& scratch) const {
  // Symbols form a linked list by index; the heap holds candidate pairs, those whose symbols have changed are skipped.
  std::vector<std::int32_t>& symbols = scratch.symbols;
  const auto count = static_cast<std::uint32_t>(symbols.size());
  constexpr std::uint32_t kEnd = std::numeric_limits<std::uint32_t>::max();
  scratch.previous.resize(count);
  scratch.next.resize(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    scratch.previous[i] = i == 0 ? kEnd : i - 1;
    scratch.next[i] = i + 1 == count ? kEnd : i + 1;
  }
  auto& heap = scratch.heap;
  heap.clear();
  const auto candidate = [&](std::uint32_t left) {
    const std::uint32_t right = scratch.next[left];
    if (right == kEnd) return false;
    const Pair* pair = find(symbols[left], symbols[right]);
    if (pair == nullptr) return false;
    heap.push_back({(std::uint64_t{pair->rank} << 32) | left, pair->result});
    return true;
  };
  for (std::uint32_t i = 0; i + 1 < count; ++i) candidate(i);
  const auto worse = [](const Scratch::Candidate& a, const Scratch::Candidate& b) { return a.order > b.order; };
  std::make_heap(heap.begin(), heap.end(), worse);
  while (!heap.empty()) {
    std::pop_heap(heap.begin(), heap.end(), worse);
    const Scratch::Candidate top = heap.back();
    heap.pop_back();
    const auto left = static_cast<std::uint32_t>(top.order);
    if (symbols[left] == kNoToken || scratch.next[left] == kEnd) continue;
    const std::uint32_t right = scratch.next[left];
    const Pair* pair = find(symbols[left], symbols[right]);
    if (pair == nullptr || pair->result != top.result) continue;
    symbols[left] = top.result;
    symbols[right] = kNoToken;
    scratch.next[left] = scratch.next[right];
    if (scratch.next[left] != kEnd) scratch.previous[scratch.next[left]] = left;
    if (scratch.previous[left] != kEnd && candidate(scratch.previous[left]))
      std::push_heap(heap.begin(), heap.end(), worse);
    if (candidate(left)) std::push_heap(heap.begin(), heap.end(), worse);
  }
  std::erase(symbols, kNoToken);
}

void Bpe::append_ids(const std::vector<std::int32_t>& symbols, std::vector<TokenId>& ids) const {
  if (pseudo_.empty()) {
    ids.insert(ids.end(), symbols.begin(), symbols.end());
    return;
  }
  for (const std::int32_t symbol : symbols) {
    if (static_cast<std::size_t>(symbol) < vocabulary_.size()) {
      ids.push_back(symbol);
      continue;
    }
    std::string character;
    append_utf8(character, pseudo_[static_cast<std::size_t>(symbol) - vocabulary_.size()]);
    if (!append_byte_tokens(character, ids) && options_.unknown != kNoToken) ids.push_back(options_.unknown);
  }
}

}  // namespace candor::text

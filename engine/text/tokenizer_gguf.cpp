// Builds a tokenizer from the metadata of a GGUF file.
#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "base/error.h"
#include "base/fields.h"
#include "base/utf8.h"
#include "engine/text/bpe.h"
#include "engine/text/tokenizer_gguf_patterns.h"
#include "engine/text/tokenizer_parts.h"
#include "engine/text/tokenizer_unicode.h"

namespace candor::text {
namespace {

/// tokenizer.ggml.token_type
enum TokenType : std::int32_t { kNormal = 1, kUnknown = 2, kControl = 3, kUserDefined = 4, kUnused = 5, kByte = 6 };

constexpr std::string_view kSpaceMark = "\xe2\x96\x81";

class Reader {
 public:
  Reader(TokenizerParts& parts, GgufVocabulary& vocabulary, std::string where)
      : parts_(parts), in_(vocabulary), where_(std::move(where)) {}

  void read() {
    check();
    for (std::size_t i = 0; i < in_.tokens.size(); ++i) {
      if (in_.tokens[i].empty()) in_.tokens[i] = "[EMPTY_" + std::to_string(i) + "]";  // as llama.cpp names them
      if (parts_.vocabulary.find(in_.tokens[i]) != kNoToken)
        fail("token '" + in_.tokens[i] + "' stands twice in tokenizer.ggml.tokens");
      parts_.vocabulary.add(in_.tokens[i], static_cast<TokenId>(i));
    }
    if (in_.model == "gpt2")
      read_byte_level();
    else if (in_.model == "llama")
      read_sentencepiece();
    else
      fail("the tokenizer model '" + in_.model + "' is not known (gpt2 and llama are)");
    read_special_tokens();
  }

 private:
  [[noreturn]] void fail(const std::string& what, std::string_view remedy = {}) const {
    throw Error(ErrorKind::kBadInput, where_, what, remedy);
  }

  void check() const {
    if (in_.tokens.empty()) fail("it has no tokens (tokenizer.ggml.tokens)");
    if (in_.tokens.size() > static_cast<std::size_t>(kMaxTokenId))
      fail("it has " + std::to_string(in_.tokens.size()) + " tokens");
    if (!in_.types.empty() && in_.types.size() != in_.tokens.size())
      fail("tokenizer.ggml.token_type has " + std::to_string(in_.types.size()) + " entries for " +
           std::to_string(in_.tokens.size()) + " tokens");
    if (!in_.scores.empty() && in_.scores.size() != in_.tokens.size())
      fail("tokenizer.ggml.scores has " + std::to_string(in_.scores.size()) + " entries for " +
           std::to_string(in_.tokens.size()) + " tokens");
  }

  TokenType type(std::size_t id) const { return in_.types.empty() ? kNormal : static_cast<TokenType>(in_.types[id]); }

  std::optional<TokenId> in_range(const std::optional<TokenId>& id) const {
    return id && *id >= 0 && static_cast<std::size_t>(*id) < in_.tokens.size() ? id : std::nullopt;
  }

  void read_byte_level() {
    const GgufPretokenizer* known = find_gguf_pretokenizer(in_.pre);
    if (known == nullptr) {
      const std::string near = nearest(in_.pre, gguf_pretokenizer_names());
      fail("the pre-tokenizer '" + in_.pre + "' is not known" + (near.empty() ? "" : "; '" + near + "' is"));
    }
    if (known->nfc) parts_.normalizer.add(unicode_form(UnicodeForm::kNfc));
    for (const std::string_view pattern : known->patterns)
      parts_.pretokenizer.add(split_step(SplitPattern::regex(pattern, where_), SplitBehavior::kIsolated, false), "");
    parts_.pretokenizer.end_in_bytes();
    parts_.decoder.add(decode_byte_level());

    BpeOptions options;
    options.bytes = true;
    options.ignore_merges = known->ignore_merges;
    options.unknown = in_range(in_.unknown).value_or(kNoToken);
    parts_.model = std::make_unique<Bpe>(parts_.vocabulary, options, read_merges());
    surround(in_.add_bos.value_or(known->add_bos));
    parts_.description = "BPE, " + std::to_string(in_.tokens.size()) + " tokens, pre-tokenizer " +
                         (in_.pre.empty() ? "default" : in_.pre);
  }

  std::vector<BpeMerge> read_merges() const {
    std::vector<BpeMerge> merges;
    merges.reserve(in_.merges.size());
    std::string joined;
    for (const std::string& merge : in_.merges) {
      const std::size_t space = merge.find(' ', 1);
      if (space == std::string::npos) fail("the merge '" + merge + "' is not two parts with a space between");
      const std::string_view left = std::string_view(merge).substr(0, space);
      const std::string_view right = std::string_view(merge).substr(space + 1);
      joined = left;
      joined += right;
      const TokenId ids[] = {parts_.vocabulary.find(left), parts_.vocabulary.find(right),
                             parts_.vocabulary.find(joined)};
      if (ids[0] == kNoToken || ids[1] == kNoToken || ids[2] == kNoToken)
        fail("the merge '" + merge + "' uses a token that is not in the vocabulary");
      merges.push_back({ids[0], ids[1], ids[2], static_cast<std::uint32_t>(merges.size())});
    }
    return merges;
  }

  void read_sentencepiece() {
    if (in_.scores.empty()) fail("a 'llama' tokenizer needs tokenizer.ggml.scores");
    if (std::any_of(in_.scores.begin(), in_.scores.end(), [](float score) { return std::isnan(score); }))
      fail("tokenizer.ggml.scores holds a value that is no number");
    const bool prefix = in_.add_space_prefix.value_or(true);
    if (prefix) parts_.normalizer.add(prepend_text(std::string(kSpaceMark)));
    parts_.normalizer.add(replace_matches(SplitPattern::literal(" "), std::string(kSpaceMark)));
    parts_.decoder.add(decode_replace(SplitPattern::literal(kSpaceMark), " "));
    parts_.decoder.add(decode_byte_fallback());
    parts_.decoder.add(decode_fuse());
    if (prefix) parts_.decoder.add(decode_strip(U' ', 1, 0));

    BpeOptions options;
    options.byte_fallback = true;
    options.fuse_unknown = true;
    options.unknown = in_range(in_.unknown).value_or(kNoToken);
    std::vector<BpePseudoSymbol> pseudo;
    const auto merges = merges_by_score(pseudo);
    parts_.model = std::make_unique<Bpe>(parts_.vocabulary, options, merges, pseudo);
    surround(in_.add_bos.value_or(true));
    parts_.description = "SentencePiece BPE, " + std::to_string(in_.tokens.size()) + " tokens";
  }

  /// SentencePiece joins two neighbours whenever their text is a token, the token with the highest score first, from
  /// left to right among equals: that is one merge for each way to cut a token in two.
  std::vector<BpeMerge> merges_by_score(std::vector<BpePseudoSymbol>& pseudo) const {
    std::vector<float> ranks = in_.scores;
    std::sort(ranks.begin(), ranks.end(), std::greater<>());
    ranks.erase(std::unique(ranks.begin(), ranks.end()), ranks.end());
    std::unordered_map<char32_t, std::int32_t> pseudo_ids;
    const auto symbol = [&](std::string_view part) -> std::int32_t {
      const TokenId id = parts_.vocabulary.find(part);
      if (id != kNoToken && joins(static_cast<std::size_t>(id))) return id;
      if (part.size() != utf8_length(part[0])) return kNoToken;
      std::size_t at = 0;
      const char32_t c = next_code_point(part, at);
      const auto next = static_cast<std::int32_t>(in_.tokens.size() + pseudo.size());
      const auto [place, is_new] = pseudo_ids.emplace(c, next);
      if (is_new) pseudo.push_back({next, c});
      return place->second;
    };
    std::vector<BpeMerge> merges;
    for (std::size_t id = 0; id < in_.tokens.size(); ++id) {
      const std::string_view text = in_.tokens[id];
      if (!joins(id) || !is_utf8(text)) continue;
      const auto rank = static_cast<std::uint32_t>(
          std::lower_bound(ranks.begin(), ranks.end(), in_.scores[id], std::greater<>()) - ranks.begin());
      for (std::size_t cut = utf8_length(text[0]); cut < text.size(); cut += utf8_length(text[cut])) {
        const std::int32_t left = symbol(text.substr(0, cut)), right = symbol(text.substr(cut));
        if (left != kNoToken && right != kNoToken) merges.push_back({left, right, static_cast<TokenId>(id), rank});
      }
    }
    return merges;
  }

  /// Whether a token takes part in joining.
  bool joins(std::size_t id) const { return type(id) != kUnknown && type(id) != kControl && type(id) != kByte; }

  void surround(bool add_bos) {
    parts_.bos = in_range(in_.bos);
    parts_.eos = in_range(in_.eos);
    if (add_bos && parts_.bos) parts_.surroundings.before = {*parts_.bos};
    if (in_.add_eos.value_or(false) && parts_.eos) parts_.surroundings.after = {*parts_.eos};
  }

  void read_special_tokens() {
    std::vector<AddedToken> added;
    for (std::size_t id = 0; id < in_.tokens.size(); ++id) {
      if (type(id) != kControl && type(id) != kUserDefined && type(id) != kUnknown) continue;
      AddedToken token;
      token.id = static_cast<TokenId>(id);
      token.content = in_.tokens[id];
      token.special = type(id) != kUserDefined;
      added.push_back(std::move(token));
    }
    parts_.set_added_tokens(std::move(added));
  }

  TokenizerParts& parts_;
  GgufVocabulary& in_;
  std::string where_;
};

}  // namespace

Tokenizer Tokenizer::from_gguf(GgufVocabulary vocabulary, const std::string& where) {
  auto state = std::make_unique<State>();
  Reader(*state, vocabulary, where).read();
  return Tokenizer(std::move(state));
}

}  // namespace candor::text

// Unigram: of all ways to cut a word into pieces, the one with the highest sum of scores (Kudo 2018).
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "engine/text/tokenizer_model.h"

namespace candor::text {

class Unigram final : public TokenizerModel {
 public:
  /// @param scores      by id; as many as the vocabulary has ids.
  /// @param unknown     kNoToken: a character without piece is an error.
  /// @param vocabulary  must outlive this.
  Unigram(const Vocabulary& vocabulary, std::vector<double> scores, TokenId unknown, bool byte_fallback,
          std::string where);

  std::unique_ptr<ModelScratch> scratch() const override;
  /// @throws Error{kBadInput} for a character without piece when there is no unknown token.
  void encode(std::string_view word, ModelScratch& scratch, std::vector<TokenId>& ids) const override;

 private:
  struct Scratch;
  struct Node {
    std::uint32_t children = 0;  // first of its edges
    std::uint16_t count = 0;     // edges
    TokenId id = kNoToken;
  };
  struct Edge {
    unsigned char byte;
    std::uint32_t node;
  };
  void build();
  std::uint32_t child(std::uint32_t node, unsigned char byte) const noexcept;
  void append_unknown(std::string_view text, std::vector<TokenId>& ids) const;

  const Vocabulary& vocabulary_;
  std::vector<double> scores_;
  double unknown_score_ = 0;
  TokenId unknown_;
  bool byte_fallback_;
  std::string where_;
  std::array<TokenId, 256> byte_tokens_{};
  std::array<std::uint32_t, 256> roots_{};  // 0: none
  std::vector<Node> nodes_;                 // [0] is the root
  std::vector<Edge> edges_;                 // of one node together, sorted by byte
};

}  // namespace candor::text

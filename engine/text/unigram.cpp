#include "engine/text/unigram.h"

#include <algorithm>
#include <deque>
#include <limits>

#include "base/error.h"
#include "engine/text/tokenizer_unicode.h"

namespace candor::text {
namespace {

constexpr double kUnknownPenalty = 10.0;  // below the lowest score: the `tokenizers` library, K_UNK_PENALTY

}  // namespace

struct Unigram::Scratch final : ModelScratch {
  struct Best {
    double score;
    std::uint32_t begin;  // of the last piece; kNowhere: no way ends here
    TokenId id;
  };
  std::vector<Best> best;  // by end in bytes
  struct Piece {
    std::uint32_t begin, end;
    TokenId id;
  };
  std::vector<Piece> pieces;
};

Unigram::Unigram(const Vocabulary& vocabulary, std::vector<double> scores, TokenId unknown, bool byte_fallback,
                 std::string where)
    : vocabulary_(vocabulary),
      scores_(std::move(scores)),
      unknown_(unknown),
      byte_fallback_(byte_fallback),
      where_(std::move(where)) {
  double lowest = std::numeric_limits<double>::infinity();
  for (const double score : scores_) lowest = std::min(lowest, score);
  unknown_score_ = lowest - kUnknownPenalty;
  constexpr char kDigits[] = "0123456789ABCDEF";
  for (unsigned byte = 0; byte < 256; ++byte) {
    const char token[] = {'<', '0', 'x', kDigits[byte >> 4], kDigits[byte & 15], '>'};
    byte_tokens_[byte] = vocabulary.find(std::string_view(token, sizeof token));
  }
  build();
}

/// Builds the trie from the sorted texts, level by level, so that a node's edges lie together.
void Unigram::build() {
  std::vector<TokenId> ids;
  for (std::size_t i = 0; i < vocabulary_.size(); ++i) {
    const auto id = static_cast<TokenId>(i);
    if (!vocabulary_.text(id).empty()) ids.push_back(id);
  }
  std::sort(ids.begin(), ids.end(), [&](TokenId a, TokenId b) { return vocabulary_.text(a) < vocabulary_.text(b); });
  struct Part {
    std::size_t begin, end, depth;  // ids that share the node's `depth` bytes
    std::uint32_t node;
  };
  nodes_.emplace_back();
  std::deque<Part> open = {{0, ids.size(), 0, 0}};
  while (!open.empty()) {
    Part part = open.front();
    open.pop_front();
    if (part.begin < part.end && vocabulary_.text(ids[part.begin]).size() == part.depth)
      nodes_[part.node].id = ids[part.begin++];
    nodes_[part.node].children = static_cast<std::uint32_t>(edges_.size());
    while (part.begin < part.end) {
      const char byte = vocabulary_.text(ids[part.begin])[part.depth];
      std::size_t end = part.begin;
      while (end < part.end && vocabulary_.text(ids[end])[part.depth] == byte) ++end;
      const auto node = static_cast<std::uint32_t>(nodes_.size());
      edges_.push_back({static_cast<unsigned char>(byte), node});
      ++nodes_[part.node].count;
      nodes_.emplace_back();
      open.push_back({part.begin, end, part.depth + 1, node});
      part.begin = end;
    }
  }
  for (std::size_t i = 0; i < nodes_[0].count; ++i) roots_[edges_[i].byte] = edges_[i].node;
}

std::uint32_t Unigram::child(std::uint32_t node, unsigned char byte) const noexcept {
  const Node& from = nodes_[node];
  const Edge* begin = edges_.data() + from.children;
  const Edge* end = begin + from.count;
  const Edge* found =
      std::lower_bound(begin, end, byte, [](const Edge& edge, unsigned char b) { return edge.byte < b; });
  return found != end && found->byte == byte ? found->node : 0;
}

std::unique_ptr<ModelScratch> Unigram::scratch() const {
  return std::make_unique<Scratch>();
}

void Unigram::encode(std::string_view word, ModelScratch& scratch, std::vector<TokenId>& ids) const {
  constexpr std::uint32_t kNowhere = std::numeric_limits<std::uint32_t>::max();
  auto& own = static_cast<Scratch&>(scratch);
  own.best.assign(word.size() + 1, {0.0, kNowhere, kNoToken});
  const auto offer = [&](std::size_t begin, std::size_t end, TokenId id, double score) {
    Scratch::Best& best = own.best[end];
    // A later candidate must be strictly better: of equals the one whose last piece starts first stays.
    if (best.begin == kNowhere || score > best.score) best = {score, static_cast<std::uint32_t>(begin), id};
  };
  for (std::size_t begin = 0; begin < word.size();) {
    const double so_far = own.best[begin].score;
    const std::size_t length = utf8_length(word[begin]);
    bool covered = false;  // by a piece of this one character
    std::uint32_t node = roots_[static_cast<unsigned char>(word[begin])];
    for (std::size_t end = begin + 1; node != 0; ++end) {
      if (const TokenId id = nodes_[node].id; id != kNoToken) {
        offer(begin, end, id, scores_[static_cast<std::size_t>(id)] + so_far);
        covered |= end - begin == length;
      }
      if (end >= word.size()) break;
      node = child(node, static_cast<unsigned char>(word[end]));
    }
    if (!covered) {
      if (unknown_ == kNoToken)
        throw Error(ErrorKind::kBadInput, where_,
                    "the text has a character that no token covers, and there is no unk_id");
      offer(begin, begin + length, unknown_, unknown_score_ + so_far);
    }
    begin += length;
  }
  own.pieces.clear();
  for (auto end = static_cast<std::uint32_t>(word.size()); end > 0;) {
    const Scratch::Best& best = own.best[end];
    // Neighbouring unknown characters are one piece.
    if (best.id == unknown_ && !own.pieces.empty() && own.pieces.back().id == unknown_)
      own.pieces.back().begin = best.begin;
    else
      own.pieces.push_back({best.begin, end, best.id});
    end = best.begin;
  }
  for (auto piece = own.pieces.rbegin(); piece != own.pieces.rend(); ++piece) {
    if (piece->id == unknown_)
      append_unknown(word.substr(piece->begin, piece->end - piece->begin), ids);
    else
      ids.push_back(piece->id);
  }
}

void Unigram::append_unknown(std::string_view text, std::vector<TokenId>& ids) const {
  if (const TokenId id = vocabulary_.find(text); id != kNoToken) {
    ids.push_back(id);
    return;
  }
  const bool has_all = std::all_of(
      text.begin(), text.end(), [&](char byte) { return byte_tokens_[static_cast<unsigned char>(byte)] != kNoToken; });
  if (!byte_fallback_ || !has_all) {
    ids.push_back(unknown_);
    return;
  }
  for (const char byte : text) ids.push_back(byte_tokens_[static_cast<unsigned char>(byte)]);
}

}  // namespace candor::text

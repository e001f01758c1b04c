#include "engine/text/pretokenizer.h"

#include <algorithm>
#include <limits>

#include "base/error.h"
#include "engine/text/pretokenizer_split.h"

namespace candor::text {

void Words::start(std::string_view text, bool starts_input) {
  check_size(text.size());
  text_ = text;
  starts_input_ = starts_input;
  spans_.clear();
  if (!text.empty()) spans_.push_back({0, static_cast<std::uint32_t>(text.size())});
}

void Words::check_size(std::size_t bytes) {
  if (bytes >= std::numeric_limits<std::int32_t>::max())
    throw Error(ErrorKind::kBadInput, "text to tokenize", "it has 2 GiB or more", "split it");
}

void append_pieces(std::string_view word, const Span& span, const std::vector<Span>& matches, SplitBehavior behavior,
                   bool invert, std::vector<Span>& out) {
  // The matches and what lies between them, in order; `merge` says whether one joins the piece before it in `pieces`.
  std::vector<std::pair<Span, bool>> parts;
  std::uint32_t done = 0;
  for (const Span& match : matches) {
    if (match.begin != done) parts.push_back({{done, match.begin}, invert});
    parts.push_back({match, !invert});
    done = match.end;
  }
  if (done != word.size()) parts.push_back({{done, static_cast<std::uint32_t>(word.size())}, invert});

  const std::size_t before = out.size();
  const auto add = [&](const Span& part) { out.push_back({span.begin + part.begin, span.begin + part.end}); };
  bool previous = false;
  switch (behavior) {
    case SplitBehavior::kIsolated:
      for (const auto& [part, matched] : parts) add(part);
      break;
    case SplitBehavior::kRemoved:
      for (const auto& [part, matched] : parts)
        if (!matched) add(part);
      break;
    case SplitBehavior::kContiguous:
    case SplitBehavior::kMergedWithPrevious:
      for (const auto& [part, matched] : parts) {
        const bool joins = behavior == SplitBehavior::kContiguous ? matched == previous : matched && !previous;
        if (joins && out.size() > before)
          out.back().end = span.begin + part.end;
        else
          add(part);
        previous = matched;
      }
      break;
    case SplitBehavior::kMergedWithNext: {
      std::vector<Span> reversed;
      for (auto part = parts.rbegin(); part != parts.rend(); ++part) {
        if (part->second && !previous && !reversed.empty())
          reversed.back().begin = part->first.begin;
        else
          reversed.push_back(part->first);
        previous = part->second;
      }
      for (auto part = reversed.rbegin(); part != reversed.rend(); ++part) add(*part);
      break;
    }
  }
  const auto first = out.begin() + static_cast<std::ptrdiff_t>(before);
  out.erase(std::remove_if(first, out.end(), [](const Span& piece) { return piece.begin == piece.end; }), out.end());
}

namespace {

class SplitStep final : public PretokenizerStep {
 public:
  SplitStep(SplitPattern pattern, SplitBehavior behavior, bool invert)
      : pattern_(std::move(pattern)), behavior_(behavior), invert_(invert) {}

  void apply(Words& words) const override {
    const auto finder = pattern_.finder();
    std::vector<Span>& matches = words.matches();
    words.cut([&](std::string_view word, const Span& span, std::vector<Span>& out) {
      matches.clear();
      finder->find_all(word, matches);
      if (behavior_ == SplitBehavior::kIsolated)
        isolate(word, span, matches, out);
      else
        append_pieces(word, span, matches, behavior_, invert_, out);
    });
  }

 private:
  /// The common case of append_pieces, without a list of parts.
  static void isolate(std::string_view word, const Span& span, const std::vector<Span>& matches,
                      std::vector<Span>& out) {
    std::uint32_t done = 0;
    const auto add = [&](std::uint32_t begin, std::uint32_t end) {
      if (begin < end) out.push_back({span.begin + begin, span.begin + end});
    };
    for (const Span& match : matches) {
      add(done, match.begin);
      add(match.begin, match.end);
      done = match.end;
    }
    add(done, static_cast<std::uint32_t>(word.size()));
  }

  SplitPattern pattern_;
  SplitBehavior behavior_;
  bool invert_;
};

}  // namespace

std::unique_ptr<const PretokenizerStep> split_step(SplitPattern pattern, SplitBehavior behavior, bool invert) {
  return std::make_unique<SplitStep>(std::move(pattern), behavior, invert);
}

void Pretokenizer::add(std::unique_ptr<const PretokenizerStep> step, std::string name) {
  if (step) steps_.push_back(std::move(step));
  if (!name.empty()) names_.push_back(std::move(name));
}

void Pretokenizer::apply(Words& words) const {
  for (const auto& step : steps_) step->apply(words);
}

std::string Pretokenizer::description() const {
  std::string out;
  for (const std::string& name : names_) out += (out.empty() ? "" : ", ") + name;
  return out.empty() ? "none" : out;
}

}  // namespace candor::text

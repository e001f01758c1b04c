// Matchers for the simplest patterns, of which real tokenizers stack several: an optional white space, then one set of
// characters repeated (`\p{N}{1,3}`, `\s?\p{L}+`, `[一-龥]+`), and `\s+$`.
#include <unicode/uniset.h>
#include <unicode/unistr.h>

#include <charconv>
#include <limits>
#include <optional>

#include "base/utf8.h"
#include "engine/text/split_pattern_program.h"
#include "engine/text/tokenizer_unicode.h"

namespace candor::text {
namespace {

enum class Prefix { kNone, kSpace, kWhiteSpace };

struct Run {
  Prefix prefix;
  CodePointSet set;
  std::size_t minimum, maximum;  // characters
};

class RunFinder final : public MatchFinder {
 public:
  explicit RunFinder(const Run& run) : run_(run) {}

  void find_all(std::string_view text, std::vector<Span>& matches) override {
    for (std::size_t at = 0; at < text.size();) {
      std::size_t end = 0;
      std::size_t after_prefix = at;
      const char32_t c = next_code_point(text, after_prefix);
      const bool prefixed = run_.prefix == Prefix::kSpace        ? c == ' '
                            : run_.prefix == Prefix::kWhiteSpace ? is_white_space(c)
                                                                 : false;
      if (prefixed) end = repeated(text, after_prefix);
      if (end == 0 && run_.set[c]) end = repeated(text, at);
      if (end != 0) matches.push_back({static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(end)});
      at = end != 0 ? end : after_prefix;
    }
  }

 private:
  /// End of the characters of the set that start at `at`; 0: too few.
  std::size_t repeated(std::string_view text, std::size_t at) const {
    std::size_t count = 0;
    while (at < text.size() && count < run_.maximum) {
      std::size_t next = at;
      if (!run_.set[next_code_point(text, next)]) break;
      at = next;
      ++count;
    }
    return count >= run_.minimum ? at : 0;
  }

  const Run& run_;
};

class RunProgram final : public SplitPattern::Program {
 public:
  explicit RunProgram(Run run) : run_(std::move(run)) {}
  std::unique_ptr<MatchFinder> finder() const override { return std::make_unique<RunFinder>(run_); }
  bool is_specialised() const noexcept override { return true; }

 private:
  Run run_;
};

/// `\s+$` with $ at every line's end. A backtracking engine is quadratic here: it tries every place of a white run.
class LineEndFinder final : public MatchFinder {
 public:
  void find_all(std::string_view text, std::vector<Span>& matches) override {
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t begin = at;
      std::size_t last_newline = begin;
      std::size_t next = at;
      while (at < text.size() && is_white_space(next_code_point(text, next))) {
        if (text[at] == '\n') last_newline = at;
        at = next;
      }
      if (at == begin) {
        at = next;
        continue;
      }
      const std::size_t end = at == text.size() ? at : last_newline;
      if (end > begin) matches.push_back({static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end)});
    }
  }
};

class LineEndProgram final : public SplitPattern::Program {
 public:
  std::unique_ptr<MatchFinder> finder() const override { return std::make_unique<LineEndFinder>(); }
  bool is_specialised() const noexcept override { return true; }
};

/// Where the set, property or single character at the start of `pattern` ends; 0: it is something else.
std::size_t atom_length(std::string_view pattern) {
  if (pattern.empty()) return 0;
  if (pattern[0] == '[') {
    for (std::size_t at = 1; at < pattern.size(); ++at) {
      if (pattern[at] == '\\')
        ++at;
      else if (pattern[at] == '[' || (pattern[at] == '&' && pattern.substr(at).starts_with("&&")))
        return 0;
      else if (pattern[at] == ']')
        return at > 1 && pattern[at - 1] != '^' ? at + 1 : 0;
    }
    return 0;
  }
  if (pattern.starts_with("\\p{")) {
    const std::size_t end = pattern.find('}');
    return end == std::string_view::npos ? 0 : end + 1;
  }
  if (pattern.starts_with("\\s") || pattern.starts_with("\\d")) return 2;
  if (std::string_view("\\^$.|?*+()]{}").find(pattern[0]) != std::string_view::npos) return 0;
  return utf8_length(pattern[0]);
}

std::optional<CodePointSet> read_set(std::string_view atom) {
  if (atom.front() != '[' && atom.front() != '\\') {
    std::size_t at = 0;
    const char32_t c = next_code_point(atom, at);
    return CodePointSet({{c, c}});
  }
  std::string set = to_icu_syntax(atom);
  if (set.front() != '[') set = "[" + set + "]";
  UErrorCode status = U_ZERO_ERROR;
  // Options 0: white space in the set counts, as in a regular expression.
  const icu::UnicodeSet parsed(icu::UnicodeString::fromUTF8(set), 0, nullptr, status);
  if (U_FAILURE(status) || parsed.hasStrings()) return std::nullopt;
  std::vector<CodePointSet::Range> ranges;
  for (std::int32_t i = 0; i < parsed.getRangeCount(); ++i)
    ranges.push_back({static_cast<char32_t>(parsed.getRangeStart(i)), static_cast<char32_t>(parsed.getRangeEnd(i))});
  return CodePointSet(ranges);
}

struct Repetition {
  std::size_t minimum, maximum;
};

std::optional<Repetition> read_repetition(std::string_view text) {
  constexpr std::size_t kUnlimited = std::numeric_limits<std::size_t>::max();
  constexpr std::size_t kLargest = 64;  // more would make a failing attempt dear
  if (text.empty()) return Repetition{1, 1};
  if (text == "+") return Repetition{1, kUnlimited};
  if (text.size() < 3 || text.front() != '{' || text.back() != '}') return std::nullopt;
  const char* at = text.data() + 1;
  const char* end = text.data() + text.size() - 1;
  Repetition repetition{};
  auto read = std::from_chars(at, end, repetition.minimum);
  if (read.ec != std::errc()) return std::nullopt;
  repetition.maximum = repetition.minimum;
  if (read.ptr != end) {
    if (*read.ptr != ',') return std::nullopt;
    repetition.maximum = kUnlimited;
    if (read.ptr + 1 != end) {
      read = std::from_chars(read.ptr + 1, end, repetition.maximum);
      if (read.ec != std::errc() || read.ptr != end) return std::nullopt;
    }
  }
  if (repetition.minimum == 0 || repetition.minimum > kLargest || repetition.maximum < repetition.minimum)
    return std::nullopt;
  return repetition;
}

}  // namespace

std::unique_ptr<const SplitPattern::Program> compile_run(std::string_view pattern) {
  if (pattern == "\\s+$") return std::make_unique<LineEndProgram>();
  Prefix prefix = Prefix::kNone;
  if (pattern.starts_with("\\s?")) {
    prefix = Prefix::kWhiteSpace;
    pattern.remove_prefix(3);
  } else if (pattern.starts_with(" ?")) {
    prefix = Prefix::kSpace;
    pattern.remove_prefix(2);
  }
  const std::size_t length = atom_length(pattern);
  if (length == 0) return nullptr;
  const auto repetition = read_repetition(pattern.substr(length));
  if (!repetition) return nullptr;
  auto set = read_set(pattern.substr(0, length));
  if (!set) return nullptr;
  return std::make_unique<RunProgram>(Run{prefix, std::move(*set), repetition->minimum, repetition->maximum});
}

}  // namespace candor::text

// Patterns that cut text into words: the regular expressions of tokenizer.json, as Oniguruma reads them.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace candor::text {

struct Span {
  std::uint32_t begin, end;  ///< Bytes.
  friend bool operator==(const Span&, const Span&) = default;
};

/// Finds a pattern's matches. Made by SplitPattern::finder; for one thread at a time, while the pattern lives.
class MatchFinder {
 public:
  virtual ~MatchFinder() = default;
  /// Appends the leftmost matches that do not overlap; empty ones too, save right after a match. `text` is well-formed
  /// and below 4 GiB.
  /// @throws Error{kBadInput} if the pattern needs too many steps or too much stack on this text.
  virtual void find_all(std::string_view text, std::vector<Span>& matches) = 0;
};

/// A compiled pattern. Immutable; safe from any thread.
class SplitPattern {
 public:
  class Program;

  /// Patterns that are known by their text, and runs of one set of characters, get matchers written for them, linear in
  /// the text. All others go to ICU's engine, which works in bounded time and memory.
  /// @param where  "tokenizer.json: pre_tokenizer", for messages.
  /// @throws Error{kBadInput} if it is no regular expression.
  static SplitPattern regex(std::string_view pattern, const std::string& where);
  /// Always ICU's engine: what the written matchers are checked against.
  static SplitPattern general_regex(std::string_view pattern, const std::string& where);
  /// The text itself; an empty one matches nothing.
  static SplitPattern literal(std::string_view text);

  SplitPattern(SplitPattern&&) noexcept;
  SplitPattern& operator=(SplitPattern&&) noexcept;
  ~SplitPattern();

  std::unique_ptr<MatchFinder> finder() const;
  /// Whether a matcher written for this pattern is used.
  bool is_specialised() const noexcept;

 private:
  explicit SplitPattern(std::unique_ptr<const Program> program);
  std::unique_ptr<const Program> program_;
};

}  // namespace candor::text

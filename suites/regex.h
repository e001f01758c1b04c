// Python's re over ICU's engine: patterns of task files mean here what they mean there.
#pragma once

#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace candor::suites {

/// A pattern that does not compile, or whose search takes too long. The caller turns it into an Error with its place.
class RegexError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A compiled str pattern of CPython 3.11's re. Immutable; find_all and remove_all may be called from any thread.
/// Time and memory of a search are bounded: a pattern that backtracks without end throws instead.
class Regex {
 public:
  /// @throws RegexError naming what is not valid or not supported (conditional groups).
  explicit Regex(std::string_view pattern);
  Regex(Regex&&) noexcept;
  Regex& operator=(Regex&&) noexcept;
  ~Regex();

  std::size_t groups() const noexcept;
  /// re.findall, in one shape: per match the whole match if the pattern has no groups, else each group ("" if unset).
  /// @throws RegexError
  std::vector<std::vector<std::string>> find_all(std::string_view text) const;
  /// re.sub(pattern, "", text). @throws RegexError
  std::string remove_all(std::string_view text) const;

 private:
  struct State;
  std::unique_ptr<const State> state_;
};

/// re.escape
std::string regex_escape(std::string_view text);

}  // namespace candor::suites

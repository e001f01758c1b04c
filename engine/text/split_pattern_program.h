// The three kinds of compiled patterns behind SplitPattern.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "engine/text/split_pattern.h"

namespace candor::text {

class SplitPattern::Program {
 public:
  virtual ~Program() = default;
  virtual std::unique_ptr<MatchFinder> finder() const = 0;
  virtual bool is_specialised() const noexcept = 0;
};

/// Oniguruma's Ruby syntax rewritten in ICU's: \s is White_Space, \d is Nd, \w as Oniguruma has it, \h a hexadecimal
/// digit; (?m) lets the dot match line feeds; in sets nothing but ] [ ^ - && is special.
std::string to_icu_syntax(std::string_view pattern);

/// Null: not one of the published patterns (split_pattern_words.cpp says which).
std::unique_ptr<const SplitPattern::Program> compile_words(std::string_view pattern);

/// Null: not an optional white space followed by a repeated set, nor `\s+$`.
std::unique_ptr<const SplitPattern::Program> compile_run(std::string_view pattern);

/// @throws Error{kBadInput}
std::unique_ptr<const SplitPattern::Program> compile_general(std::string_view pattern, const std::string& where);

}  // namespace candor::text

// Template source to tokens, with Jinja's white space control applied. Private to this folder.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/text/jinja.h"

namespace candor::text::jinja {

struct Token {
  enum class Kind {
    kData,  ///< Text between tags.
    kVariableBegin,
    kVariableEnd,
    kBlockBegin,
    kBlockEnd,
    kName,
    kString,  ///< `text` holds the value, escapes undone.
    kInteger,
    kReal,
    kOperator,  ///< `text` holds it: "+", "//", "(".
    kEnd,
  };
  Kind kind = Kind::kEnd;
  std::string text;
  std::int64_t integer = 0;
  double real = 0;
  int line = 0;

  bool is(Kind wanted) const { return kind == wanted; }
  bool is_operator(std::string_view wanted) const { return kind == Kind::kOperator && text == wanted; }
  bool is_name(std::string_view wanted) const { return kind == Kind::kName && text == wanted; }
};

/// The tokens of a template (jinja2/lexer.py, with the default delimiters), ended by one of kind kEnd.
/// @param source  well-formed UTF-8.
/// @throws TemplateError{kSyntax}
std::vector<Token> tokenize(std::string_view source, const TemplateOptions& options);

}  // namespace candor::text::jinja

// Jinja templates (Jinja2 3.1): chat templates of models, prompts of task files. Sandboxed and bounded.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

#include "base/value.h"

namespace candor::text {

struct TemplateOptions {
  bool trim_blocks = false;            ///< The first line end after a block is removed.
  bool lstrip_blocks = false;          ///< White space before a block, from the line's start, is removed.
  bool keep_trailing_newline = false;  ///< Else one line end at the template's end is dropped.
  bool strict_undefined = false;       ///< StrictUndefined: printing, testing or comparing an undefined value fails.
  bool regex_replace = false;          ///< lm-evaluation-harness's filter: Python's re.sub.
  bool chat_dialect = false;           ///< What transformers adds: break and continue, generation blocks, its tojson,
                                       ///< raise_exception and strftime_now.
};

/// As transformers renders chat templates: trim_blocks and lstrip_blocks on, loop controls, generation blocks.
TemplateOptions chat_template_options();
/// As lm-evaluation-harness renders task files: StrictUndefined, keep_trailing_newline, regex_replace.
TemplateOptions task_template_options();

struct RenderOptions {
  std::optional<std::string> now;          ///< ISO time that strftime_now formats; absent: the clock.
  std::uint64_t max_steps = 50'000'000;    ///< Nodes evaluated.
  std::uint64_t max_bytes = 256ull << 20;  ///< Memory of values made while rendering, roughly.
};

/// A template that cannot be parsed or refuses to render. A data error of the caller's file: the caller turns it into
/// an Error that names the file.
class TemplateError : public std::runtime_error {
 public:
  enum class Kind { kSyntax, kRaised, kUndefined, kType, kRecursion, kSecurity, kLimit };
  TemplateError(Kind kind, const std::string& message, int line);
  Kind kind() const noexcept { return kind_; }
  int line() const noexcept { return line_; }  ///< In the template, 1-based; 0: unknown.

 private:
  Kind kind_;
  int line_;
};

/// "syntax", "raise_exception", "undefined", "type", "recursion", "security", "limit".
std::string_view kind_name(TemplateError::Kind kind);

/// A parsed template. Immutable; render is safe to call from any thread.
class Template {
 public:
  /// @throws TemplateError{kSyntax}
  Template(std::string_view source, const TemplateOptions& options);
  Template(Template&&) noexcept;
  Template& operator=(Template&&) noexcept;
  ~Template();

  /// @param variables  by name. A null is none, not undefined.
  /// @throws TemplateError
  std::string render(const Dict& variables, const RenderOptions& options = {}) const;

 private:
  struct State;
  std::unique_ptr<const State> state_;
};

}  // namespace candor::text

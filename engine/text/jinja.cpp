#include "engine/text/jinja.h"

#include "base/utf8.h"
#include "engine/text/jinja_ast.h"
#include "engine/text/jinja_evaluator.h"

namespace candor::text {

TemplateOptions chat_template_options() {
  TemplateOptions options;
  options.trim_blocks = true;
  options.lstrip_blocks = true;
  options.chat_dialect = true;
  return options;
}

TemplateOptions task_template_options() {
  TemplateOptions options;
  options.keep_trailing_newline = true;
  options.strict_undefined = true;
  options.regex_replace = true;
  return options;
}

TemplateError::TemplateError(Kind kind, const std::string& message, int line)
    : std::runtime_error(message), kind_(kind), line_(line) {}

std::string_view kind_name(TemplateError::Kind kind) {
  switch (kind) {
    case TemplateError::Kind::kSyntax:
      return "syntax";
    case TemplateError::Kind::kRaised:
      return "raise_exception";
    case TemplateError::Kind::kUndefined:
      return "undefined";
    case TemplateError::Kind::kType:
      return "type";
    case TemplateError::Kind::kRecursion:
      return "recursion";
    case TemplateError::Kind::kSecurity:
      return "security";
    case TemplateError::Kind::kLimit:
      return "limit";
  }
  return "unknown";
}

struct Template::State {
  TemplateOptions options;
  std::unique_ptr<const jinja::Program> program;
};

Template::Template(std::string_view source, const TemplateOptions& options) {
  const std::string text = is_utf8(source) ? std::string(source) : repair_utf8(source);
  auto state = std::make_unique<State>();
  state->options = options;
  state->program = jinja::parse_program(text, state->options);
  state_ = std::move(state);
}

Template::Template(Template&&) noexcept = default;
Template& Template::operator=(Template&&) noexcept = default;
Template::~Template() = default;

std::string Template::render(const Dict& variables, const RenderOptions& options) const {
  return jinja::Evaluator(*state_->program, state_->options, variables, options).run();
}

}  // namespace candor::text

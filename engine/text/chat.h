// Conversations to prompts, as transformers' apply_chat_template makes them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/value.h"
#include "engine/text/jinja.h"

namespace candor::text {

struct ChatRequest {
  Value messages;   ///< A list of dicts, each with "role" and mostly "content".
  Value tools;      ///< A list of JSON schemas, or null.
  Value documents;  ///< A list of dicts, or null.
  bool add_generation_prompt = true;
  /// The last message stays open for the model to go on with; excludes add_generation_prompt.
  bool continue_final_message = false;
  /// The member of the last message that is continued.
  std::string continued_field = "content";
  Dict variables;  ///< More variables for the template ("enable_thinking"); they win over all others but the above.
};

struct ChatPrompt {
  std::string text;
  /// The template wrote the beginning-of-sequence token itself. Tokenise with add_special_tokens false in any case, as
  /// transformers does: what the template leaves out is left out.
  bool begins_with_bos = false;
};

/// A model's chat template with its special tokens. Immutable; render is safe to call from any thread.
class ChatTemplate {
 public:
  /// @param bos_token, eos_token  texts of the tokens; absent: the variable is undefined in the template.
  /// @throws TemplateError{kSyntax}
  ChatTemplate(std::string source, std::optional<std::string> bos_token, std::optional<std::string> eos_token);

  /// @throws TemplateError; kType with a message that begins "ValueError: " for requests that transformers refuses.
  ChatPrompt render(const ChatRequest& request, const RenderOptions& options = {}) const;

  const std::string& source() const noexcept { return source_; }

 private:
  Value open_final_message(const ChatRequest& request, std::string& final_text) const;

  std::string source_;
  std::optional<std::string> bos_token_, eos_token_;
  Template template_;
};

}  // namespace candor::text

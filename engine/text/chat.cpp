#include "engine/text/chat.h"

#include "engine/text/python.h"

namespace candor::text {
namespace {

/// Marks the end of the message that is continued; transformers' own mark, so that templates see the same text.
constexpr std::string_view kMark = "CONTINUE_FINAL_MESSAGE_TAG ";

[[noreturn]] void refuse(const std::string& message) {
  throw TemplateError(TemplateError::Kind::kType, "ValueError: " + message, 0);
}

void check_list_of_dicts(const Value& value, std::string_view name) {
  if (!value.is_list()) refuse(std::string(name) + " must be a list of objects");
  for (const Value& item : value.list())
    if (!item.is_dict()) refuse(std::string(name) + " must be objects, but got " + repr(item).substr(0, 80));
}

}  // namespace

ChatTemplate::ChatTemplate(std::string source, std::optional<std::string> bos_token,
                           std::optional<std::string> eos_token)
    : source_(std::move(source)),
      bos_token_(std::move(bos_token)),
      eos_token_(std::move(eos_token)),
      template_(source_, chat_template_options()) {}

Value ChatTemplate::open_final_message(const ChatRequest& request, std::string& final_text) const {
  const std::string& field = request.continued_field;
  Value messages = request.messages;
  if (messages.list().empty()) refuse("continue_final_message is set but the conversation is empty!");
  Dict& last = messages.list().back().dict();
  Value* content = last.find(field);
  if (content == nullptr || content->is_null())
    refuse("continue_final_message is set but the final message has no \"" + field + "\" to continue!");
  if (source_.find(field) == std::string::npos)
    refuse("continue_final_message is set to \"" + field + "\" but this is not an accepted field in the chat_template");
  if (content->is_text()) {
    final_text = content->text();
    *content = Value(final_text + std::string(kMark));
    return messages;
  }
  if (content->is_list()) {
    // Of several parts the last that has text is the one that goes on.
    Value::List& parts = content->list();
    for (auto part = parts.rbegin(); part != parts.rend(); ++part) {
      const Value* text = part->find("text");
      if (text == nullptr || !text->is_text()) continue;
      final_text = text->text();
      part->dict().set("text", Value(final_text + std::string(kMark)));
      return messages;
    }
  }
  refuse("continue_final_message is set but we could not find any text to continue in the final message!");
}

ChatPrompt ChatTemplate::render(const ChatRequest& request, const RenderOptions& options) const {
  check_list_of_dicts(request.messages, "messages");
  if (!request.documents.is_null()) check_list_of_dicts(request.documents, "documents");
  if (!request.tools.is_null()) check_list_of_dicts(request.tools, "tools");
  if (request.continue_final_message && request.add_generation_prompt)
    refuse(
        "continue_final_message and add_generation_prompt are not compatible. Use continue_final_message when you "
        "want the model to continue the final message, and add_generation_prompt when you want to add a header that "
        "will prompt it to start a new assistant message instead.");

  Dict variables;
  if (bos_token_) variables.set("bos_token", *bos_token_);
  if (eos_token_) variables.set("eos_token", *eos_token_);
  for (const Member& member : request.variables) variables.set(member.key, member.value);
  std::string final_text;
  variables.set("messages",
                request.continue_final_message ? open_final_message(request, final_text) : request.messages);
  variables.set("tools", request.tools);
  variables.set("documents", request.documents);
  variables.set("add_generation_prompt", request.add_generation_prompt);

  ChatPrompt prompt;
  prompt.text = template_.render(variables, options);
  if (request.continue_final_message) {
    const std::string_view bare_mark = strip(kMark);
    const std::size_t at = prompt.text.rfind(bare_mark);
    if (at == std::string::npos || prompt.text.find(strip(final_text)) == std::string::npos)
      refuse(
          "continue_final_message is set but the final message does not appear in the chat after applying the chat "
          "template! This can happen if the chat template deletes portions of the final message. Please verify the "
          "chat template and final message in your chat to ensure they are compatible.");
    const bool spacing_kept = prompt.text.compare(at, kMark.size(), kMark) == 0;
    prompt.text.resize(at);
    // A template that trims the message has trimmed the mark: then what stood before the mark is trimmed too.
    if (!spacing_kept) prompt.text.resize(rstrip(prompt.text).size());
  }
  prompt.begins_with_bos = bos_token_ && !bos_token_->empty() && prompt.text.starts_with(*bos_token_);
  return prompt;
}

}  // namespace candor::text

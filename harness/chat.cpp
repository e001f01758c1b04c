#include "harness/chat.h"

#include <memory>

#include "base/error.h"
#include "engine/text/jinja.h"
#include "engine/text/python.h"

namespace candor::harness {
namespace {

/// The rendered chat up to where its last message ends, to be continued (transformers' continue_final_message).
std::string cut_behind_last_message(const std::string& rendered, const Value::List& messages,
                                    const std::string& where) {
  const Value* content = messages.empty() ? nullptr : messages.back().find("content");
  if (content == nullptr || !content->is_text())
    throw Error(ErrorKind::kBadInput, where, "the last message has no text to continue");
  const std::string_view stripped = text::strip(content->text());
  const std::size_t place = rendered.rfind(stripped);
  if (place == std::string::npos)
    throw Error(ErrorKind::kBadInput, where, "its chat template changes the message that is to be continued");
  // A template that keeps the message's trailing white space keeps it here too.
  const std::string_view with_end = text::lstrip(content->text());
  const bool kept = std::string_view(rendered).substr(place).starts_with(with_end);
  return rendered.substr(0, place + (kept ? with_end : stripped).size());
}

struct Chat {
  text::Template source;
  Dict tokens;  ///< bos_token, eos_token
  std::string where;
};

std::string render(const Chat& chat, const Value::List& messages, bool add_generation_prompt) {
  Dict variables = chat.tokens;
  variables.set("messages", messages);
  variables.set("tools", Value());
  variables.set("documents", Value());
  variables.set("add_generation_prompt", add_generation_prompt);
  try {
    std::string rendered = chat.source.render(variables);
    return add_generation_prompt ? rendered : cut_behind_last_message(rendered, messages, chat.where);
  } catch (const text::TemplateError& error) {
    throw Error(ErrorKind::kBadInput, chat.where, std::string("its chat template refuses: ") + error.what());
  }
}

}  // namespace

suites::ChatRenderer chat_renderer(const model::Checkpoint& checkpoint, const std::string& model_name) {
  const std::optional<std::string> source = checkpoint.chat_template();
  if (!source) return nullptr;
  const text::Tokenizer tokenizer = checkpoint.tokenizer();
  Dict tokens;
  if (tokenizer.bos()) tokens.set("bos_token", tokenizer.token(*tokenizer.bos()));
  if (tokenizer.eos()) tokens.set("eos_token", tokenizer.token(*tokenizer.eos()));
  try {
    // std::function wants a copyable callable; the parsed template is shared by its copies.
    const auto chat = std::make_shared<const Chat>(
        Chat{text::Template(*source, text::chat_template_options()), std::move(tokens), model_name});
    return [chat](const Value::List& messages, bool add_generation_prompt) {
      return render(*chat, messages, add_generation_prompt);
    };
  } catch (const text::TemplateError& error) {
    throw Error(ErrorKind::kBadInput, model_name, std::string("its chat template is not valid: ") + error.what());
  }
}

std::function<std::string(const std::string&)> question_renderer(const model::Checkpoint& checkpoint,
                                                                 const std::string& model_name) {
  const suites::ChatRenderer chat = chat_renderer(checkpoint, model_name);
  if (!chat) return nullptr;
  return [chat](const std::string& question) { return chat({Dict{{"role", "user"}, {"content", question}}}, true); };
}

}  // namespace candor::harness

#include "suites/prompt.h"

#include "base/error.h"
#include "engine/text/python.h"

namespace candor::suites {
namespace {

Value::List chat_messages(std::vector<Message> messages, bool multiturn) {
  const auto to_value = [](const Message& message) {
    return Value(Dict{{"role", message.role}, {"content", message.content}});
  };
  Value::List list;
  std::size_t first = 0, last = messages.size();
  if (multiturn) {
    for (const Message& message : messages) list.push_back(to_value(message));
    return list;
  }
  if (messages[0].role == std::string_view("system")) list.push_back(to_value(messages[first++]));
  // One message of the user holds the examples and the question; an opening of the answer stays the assistant's.
  const bool opened = messages.back().role == std::string_view("assistant");
  if (opened) --last;
  std::string content;
  for (std::size_t i = first; i < last; ++i)
    content += messages[i].content + (i + 1 < last ? messages[i].delimiter : "");
  list.push_back(Dict{{"role", "user"}, {"content", content}});
  if (opened) list.push_back(to_value(messages.back()));
  return list;
}

}  // namespace

bool begins_with_space(const std::string& text) {
  return text::lstrip(text).size() < text.size();
}

bool ends_with_space(const std::string& text) {
  return text::rstrip(text).size() < text.size();
}

std::string maybe_delimit(const std::string& a, const std::string& b, const std::string& delimiter) {
  if (a.empty() || b.empty()) return a + b;
  return a + (ends_with_space(a) || begins_with_space(b) ? "" : delimiter) + b;
}

void append_turn(std::vector<Message>& messages, const Turn& turn) {
  const bool has_answer = turn.answer && !turn.answer->empty();
  const bool has_prefix = !turn.gen_prefix.empty();
  const bool delimited =
      has_prefix ? !turn.question.empty() && !ends_with_space(turn.question) && !begins_with_space(turn.gen_prefix)
                 : has_answer;
  messages.push_back({"user", turn.question, delimited ? turn.target_delimiter : ""});
  if (has_answer)
    messages.push_back({"assistant", maybe_delimit(turn.gen_prefix, *turn.answer, " "), turn.fewshot_delimiter});
  else if (has_prefix)
    messages.push_back({"assistant", turn.gen_prefix, ""});
}

std::string render_prompt(std::vector<Message> messages, const PromptStyle& style, bool& system_dropped) {
  if (!style.chat) {
    std::string text;
    for (const Message& message : messages) text += message.content + message.delimiter;
    return text;
  }
  const bool has_system = messages[0].role == std::string_view("system");
  const Value::List chat = chat_messages(std::move(messages), style.multiturn);
  if (!has_system) return style.chat(chat, !style.continue_last);
  try {
    return style.chat(chat, !style.continue_last);
  } catch (const Error&) {
    // Some templates know no system role; the reference asks them again without it (HFLM.apply_chat_template).
    std::string text = style.chat(Value::List(chat.begin() + 1, chat.end()), !style.continue_last);
    system_dropped = true;
    return text;
  }
}

}  // namespace candor::suites

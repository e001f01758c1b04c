// Messages of a prompt, and how they become text (lm_eval/api/task.py, fewshot_context and build_qa_turn).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/value.h"
#include "suites/suites.h"

namespace candor::suites {

struct Message {
  const char* role = "user";
  std::string content;
  std::string delimiter;  ///< Behind the content where the prompt is plain text.
};

/// a + delimiter + b; no delimiter if either is empty or white space already parts them.
std::string maybe_delimit(const std::string& a, const std::string& b, const std::string& delimiter);
bool begins_with_space(const std::string& text);
bool ends_with_space(const std::string& text);

struct Turn {
  std::string question;
  std::optional<std::string> answer;  ///< Of an example; empty counts as none.
  std::string gen_prefix;
  std::string target_delimiter, fewshot_delimiter;
};
void append_turn(std::vector<Message>& messages, const Turn& turn);

struct PromptStyle {
  const ChatRenderer& chat;  ///< Not set: plain text.
  bool multiturn = false;
  bool continue_last = false;  ///< The last message is the assistant's and to be continued.
};

/// @param system_dropped  set when the chat template would not have the system message and was asked again without.
std::string render_prompt(std::vector<Message> messages, const PromptStyle& style, bool& system_dropped);

}  // namespace candor::suites

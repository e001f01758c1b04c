// Expected texts and refusals: transformers 5.23, render_jinja_template, on the same templates and messages; and the
// chat cases of the golden checkpoints.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "base/file.h"
#include "base/json.h"
#include "engine/text/chat.h"
#include "engine/text/tokenizer.h"

namespace candor::text {
namespace {

constexpr const char* kPlain =
    "{{ bos_token }}{% for m in messages %}<{{ m.role }}>{{ m.content }}</{{ m.role }}>\n{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}";

Dict message(const char* role, const char* content) {
  return {{"role", role}, {"content", content}};
}

ChatRequest continuing(Value::List messages) {
  ChatRequest request;
  request.messages = Value(std::move(messages));
  request.add_generation_prompt = false;
  request.continue_final_message = true;
  return request;
}

std::string refusal(const std::string& source, const ChatRequest& request) {
  try {
    return "rendered: " + ChatTemplate(source, std::nullopt, std::nullopt).render(request).text;
  } catch (const TemplateError& error) {
    return error.what();
  }
}

TEST(ChatTemplate, GivesTemplatesTheirVariables) {
  ChatRequest request;
  request.messages = Value(Value::List{message("user", "hi")});
  request.variables.set("enable_thinking", false);
  const ChatTemplate chat(
      "{{ messages[0].role }},{{ tools is none }},{{ documents is none }},{{ add_generation_prompt }},"
      "{{ enable_thinking }},{{ bos_token }},{{ eos_token is defined }}",
      "<s>", std::nullopt);
  EXPECT_EQ(chat.render(request).text, "user,True,True,True,False,<s>,False");
}

TEST(ChatTemplate, SaysWhetherTheTemplateWroteBos) {
  ChatRequest request;
  request.messages = Value(Value::List{message("user", "hi")});
  EXPECT_TRUE(ChatTemplate(kPlain, "<s>", "</s>").render(request).begins_with_bos);
  EXPECT_FALSE(ChatTemplate("{{ messages[0].content }}", "<s>", "</s>").render(request).begins_with_bos);
  EXPECT_FALSE(ChatTemplate(kPlain, "", std::nullopt).render(request).begins_with_bos);
}

TEST(ChatTemplate, LeavesTheFinalMessageOpen) {
  const ChatRequest request = continuing({message("user", "hi"), message("assistant", "The answer ")});
  EXPECT_EQ(ChatTemplate(kPlain, "<s>", std::nullopt).render(request).text,
            "<s><user>hi</user>\n<assistant>The answer ");
}

TEST(ChatTemplate, TrimsTheOpenMessageWhereTheTemplateDoes) {
  const ChatRequest request = continuing({message("user", "hi"), message("assistant", "  The answer  ")});
  const ChatTemplate chat("{% for m in messages %}[{{ m['content'] | trim }}]{% endfor %}", {}, {});
  EXPECT_EQ(chat.render(request).text, "[hi][The answer");
}

TEST(ChatTemplate, ContinuesTheLastPartThatHasText) {
  const Value parts(Value::List{Dict{{"type", "text"}, {"text", "a"}}, Dict{{"type", "text"}, {"text", "b "}},
                                Dict{{"type", "image"}}});
  const ChatRequest request = continuing({Dict{{"role", "assistant"}, {"content", parts}}});
  const ChatTemplate chat("{% for m in messages %}{% for p in m.content %}{{ p.text }};{% endfor %}{% endfor %}", {},
                          {});
  EXPECT_EQ(chat.render(request).text, "a;b ");
}

TEST(ChatTemplate, RefusesWhatCannotBeContinued) {
  EXPECT_EQ(refusal(kPlain, continuing({})),
            "ValueError: continue_final_message is set but the conversation is empty!");
  EXPECT_EQ(refusal(kPlain, continuing({Dict{{"role", "assistant"}}})),
            "ValueError: continue_final_message is set but the final message has no \"content\" to continue!");
  EXPECT_EQ(refusal("{{ messages[0].role }}", continuing({message("user", "hi")})),
            "ValueError: continue_final_message is set to \"content\" but this is not an accepted field in the "
            "chat_template");
  EXPECT_TRUE(refusal("{{ messages[0].content }}", continuing({message("user", "hi"), message("user", "zz")}))
                  .starts_with("ValueError: continue_final_message is set but the final message does not appear"));
  ChatRequest both = continuing({message("user", "hi")});
  both.add_generation_prompt = true;
  EXPECT_TRUE(refusal(kPlain, both).starts_with("ValueError: continue_final_message and add_generation_prompt"));
}

TEST(ChatTemplate, RefusesMessagesThatAreNoDicts) {
  ChatRequest request;
  request.messages = Value(Value::List{"hi"});
  EXPECT_TRUE(refusal(kPlain, request).starts_with("ValueError: messages must be objects"));
}

TEST(ChatTemplate, ReproducesTheGoldenCheckpointsChats) {
  const char* set = std::getenv("CANDOR_SHARED");
  std::string golden = (set != nullptr ? set : std::string(CANDOR_SOURCE_DIR) + "/../shared") + "/golden";
  const bool shared = std::filesystem::exists(golden);
  if (!shared) golden = std::string(CANDOR_SOURCE_DIR) + "/tests/golden";
  std::size_t cases = 0;
  for (const auto& folder : std::filesystem::directory_iterator(golden)) {
    const std::string config_path = folder.path().string() + "/tokenizer_config.json";
    if (!std::filesystem::exists(config_path)) continue;
    const std::string json = read_file(config_path);
    const TokenizerConfig config = parse_tokenizer_config(json, config_path);
    const ChatTemplate chat(parse_json(json, config_path).find("chat_template")->text(), config.bos_token,
                            config.eos_token);
    const std::string reference_path = folder.path().string() + "/reference.json";
    const Value reference = parse_json(read_file(reference_path), reference_path);
    for (const Value& item : reference.find("chat_cases")->list()) {
      ChatRequest request;
      request.messages = *item.find("messages");
      request.add_generation_prompt = item.find("add_generation_prompt")->boolean();
      EXPECT_EQ(chat.render(request).text, item.find("rendered")->text()) << folder.path();
      ++cases;
    }
  }
  EXPECT_GT(cases, shared ? 20u : 10u);
}

}  // namespace
}  // namespace candor::text

// Ids and texts as the `tokenizers` library 0.23.3 and llama.cpp give them (shared/golden_text, shared/golden).
#include <gtest/gtest.h>

#include "tests/unit/text/tokenizer_golden.h"

namespace candor::text {
namespace {

using golden::ids_of;

constexpr std::size_t kShown = 5;  // differences printed per tokenizer

class GoldenText : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    folder_ = golden::shared_folder() / "golden_text" / "tokenizers" / GetParam();
    if (!std::filesystem::exists(folder_ / "tokenizer.json"))
      GTEST_SKIP() << "not checked: ids and decoding of " << GetParam() << " (no " << folder_ << ")";
  }
  std::filesystem::path folder_;
};

TEST_P(GoldenText, EncodesAndDecodesEveryCase) {
  const Tokenizer tokenizer = golden::load(folder_);
  std::size_t cases = 0, wrong = 0;
  read_json_lines((folder_ / "cases.jsonl").string(), [&](const Value& line, const std::string& where) {
    ++cases;
    const auto expected = ids_of(*line.find("ids"));
    const auto ids = tokenizer.encode(line.find("text")->text(), line.find("add_special_tokens")->boolean());
    const Value* skipped = line.find("decoded_skip_special");
    const std::string& decoded = line.find("decoded")->text();
    const bool right = ids == expected && tokenizer.decode(expected, false) == decoded &&
                       tokenizer.decode(expected, true) == (skipped != nullptr ? skipped->text() : decoded);
    if (right || ++wrong > kShown) return;
    EXPECT_EQ(ids, expected) << where << ": " << to_json(line);
    EXPECT_EQ(tokenizer.decode(expected, false), decoded) << where;
    EXPECT_EQ(tokenizer.decode(expected, true), skipped != nullptr ? skipped->text() : decoded) << where;
  });
  EXPECT_EQ(wrong, 0u) << "of " << cases;
  EXPECT_GT(cases, 100u);
}

TEST_P(GoldenText, DecodesAnyIds) {
  const Tokenizer tokenizer = golden::load(folder_);
  std::size_t cases = 0;
  read_json_lines((folder_ / "decode.jsonl").string(), [&](const Value& line, const std::string& where) {
    ++cases;
    EXPECT_EQ(tokenizer.decode(ids_of(*line.find("ids")), line.find("skip_special_tokens")->boolean()),
              line.find("decoded")->text())
        << where;
  });
  EXPECT_GT(cases, 20u);
}

TEST_P(GoldenText, RepairsWhatIsNotUtf8) {
  const Tokenizer tokenizer = golden::load(folder_);
  std::size_t cases = 0;
  read_json_lines((folder_ / ".." / "invalid_utf8.jsonl").string(), [&](const Value& line, const std::string& where) {
    const std::string& hex = line.find("bytes_hex")->text();
    std::string bytes;
    for (std::size_t i = 0; i < hex.size(); i += 2)
      bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
    const Value* ids = line.find("ids")->find(GetParam());
    if (ids == nullptr) return;
    ++cases;
    EXPECT_EQ(tokenizer.encode(bytes, false), ids_of(*ids)) << where;
  });
  EXPECT_GT(cases, 20u);
}

INSTANTIATE_TEST_SUITE_P(Tokenizers, GoldenText,
                         testing::Values("gpt2", "llama3", "qwen2", "deepseek_coder", "smollm", "llama2", "deepseek_v3",
                                         "gpt_oss", "mistral", "edge_flags", "unigram"),
                         [](const auto& instance) { return std::string(instance.param); });

TEST(GoldenModels, TokenizersOfEveryFolderAgree) {
  auto folders = golden::folders_with(golden::shared_folder() / "golden", "tokenizer.json");
  if (folders.empty())
    folders = golden::folders_with(std::filesystem::path(CANDOR_SOURCE_DIR) / "tests" / "golden", "tokenizer.json");
  ASSERT_FALSE(folders.empty());
  for (const auto& folder : folders) {
    SCOPED_TRACE(folder.filename().string());
    const Tokenizer plain = golden::load(folder);
    const Tokenizer configured = golden::load(folder, true);
    const Value reference = parse_json(read_file((folder / "reference.json").string()), "reference.json");
    for (const Value& test : reference.find("tokenizer_cases")->list()) {
      const std::string& text = test.find("text")->text();
      EXPECT_EQ(plain.encode(text, false), ids_of(*test.find("ids"))) << text;
      EXPECT_EQ(plain.encode(text, true), ids_of(*test.find("ids_with_special"))) << text;
      EXPECT_EQ(plain.decode(ids_of(*test.find("ids")), false), test.find("decoded")->text());
    }
    for (const Value& test : reference.find("chat_cases")->list())
      EXPECT_EQ(configured.encode(test.find("rendered")->text(), false), ids_of(*test.find("ids")));
    // Here a beginning token comes from tokenizer_config.json where the post-processor adds none.
    for (const Value& prompt : reference.find("prompts")->list())
      EXPECT_EQ(configured.encode(prompt.find("text")->text(), true), ids_of(*prompt.find("ids")));
  }
}

}  // namespace
}  // namespace candor::text

// from_gguf on vocabularies that the test makes from tokenizer.json files: the ids must be those of the originals.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unordered_map>

#include "base/error.h"
#include "tests/unit/text/tokenizer_golden.h"

namespace candor::text {
namespace {

using golden::ids_of;
using testing::ElementsAre;
using testing::HasSubstr;

/// What a converter writes into a GGUF file (llama.cpp, convert_hf_to_gguf.py): control for special added tokens,
/// user-defined for the others.
GgufVocabulary convert(const Value& json, std::string model, std::string pre) {
  GgufVocabulary out;
  out.model = std::move(model);
  out.pre = std::move(pre);
  const auto put = [&](std::size_t id, const std::string& text, std::int32_t type) {
    if (id >= out.tokens.size()) {
      out.tokens.resize(id + 1);
      out.types.resize(id + 1, 5);
    }
    out.tokens[id] = text;
    out.types[id] = type;
  };
  for (const Member& token : json.find("model")->find("vocab")->dict())
    put(static_cast<std::size_t>(token.value.integer()), token.key, 1);
  for (const Value& token : json.find("added_tokens")->list())
    put(static_cast<std::size_t>(token.find("id")->integer()), token.find("content")->text(),
        token.find("special")->boolean() ? 3 : 4);
  if (const Value* unknown = json.find("model")->find("unk_token"); unknown->is_text())
    out.unknown = static_cast<TokenId>(json.find("model")->find("vocab")->find(unknown->text())->integer());
  for (const Value& merge : json.find("model")->find("merges")->list())
    out.merges.push_back(merge.is_text() ? merge.text() : merge.list()[0].text() + " " + merge.list()[1].text());
  return out;
}

struct Converted {
  const char* folder;
  const char* model;
  const char* pre;
};

class GgufGolden : public testing::TestWithParam<Converted> {};

TEST_P(GgufGolden, GivesTheIdsOfTheOriginal) {
  const auto folder = golden::shared_folder() / "golden_text" / "tokenizers" / GetParam().folder;
  if (!std::filesystem::exists(folder / "tokenizer.json"))
    GTEST_SKIP() << "not checked: from_gguf against " << GetParam().folder << " (no " << folder << ")";
  GgufVocabulary vocabulary = convert(parse_json(read_file((folder / "tokenizer.json").string()), "tokenizer.json"),
                                      GetParam().model, GetParam().pre);
  if (vocabulary.model == "llama") {
    // The file's merges stand in the order of Llama 2's scores: a token's score is minus the place of its first merge.
    std::unordered_map<std::string, float> scores;
    for (std::size_t i = 0; i < vocabulary.merges.size(); ++i) {
      std::string token = vocabulary.merges[i];
      token.erase(token.find(' '), 1);
      scores.emplace(token, -static_cast<float>(i));
    }
    vocabulary.merges.clear();
    for (std::size_t id = 0; id < vocabulary.tokens.size(); ++id) {
      const auto known = scores.find(vocabulary.tokens[id]);
      vocabulary.scores.push_back(known == scores.end() ? -1e9f : known->second);
      if (id >= 3 && id < 259) vocabulary.types[id] = 6;
    }
  }
  const Tokenizer tokenizer = Tokenizer::from_gguf(std::move(vocabulary), "test.gguf");
  std::size_t cases = 0, wrong = 0;
  read_json_lines((folder / "cases.jsonl").string(), [&](const Value& line, const std::string& where) {
    if (line.find("add_special_tokens")->boolean()) return;
    ++cases;
    const auto expected = ids_of(*line.find("ids"));
    const auto ids = tokenizer.encode(line.find("text")->text(), false);
    if (ids != expected && ++wrong <= 5) {
      EXPECT_EQ(ids, expected) << where << ": " << to_json(line);
    }
    EXPECT_EQ(tokenizer.decode(expected, false), line.find("decoded")->text()) << where;
  });
  EXPECT_EQ(wrong, 0u) << "of " << cases;
  EXPECT_GT(cases, 50u);
}

INSTANTIATE_TEST_SUITE_P(Tokenizers, GgufGolden,
                         testing::Values(Converted{"gpt2", "gpt2", "gpt-2"}, Converted{"smollm", "gpt2", "smollm"},
                                         Converted{"llama3", "gpt2", "llama-bpe"}, Converted{"qwen2", "gpt2", "qwen2"},
                                         Converted{"deepseek_coder", "gpt2", "deepseek-coder"},
                                         Converted{"deepseek_v3", "gpt2", "deepseek-v3"},
                                         Converted{"gpt_oss", "gpt2", "gpt-4o"}, Converted{"llama2", "llama", ""}),
                         [](const auto& instance) { return std::string(instance.param.folder); });

GgufVocabulary sentencepiece() {
  GgufVocabulary v;
  v.model = "llama";
  v.tokens = {"<unk>", "<s>", "</s>", "▁", "a", "b", "ab", "▁a", "bxy"};
  v.types = {2, 3, 3, 1, 1, 1, 1, 1, 1};
  v.scores = {0, 0, 0, -9, -8, -8, -1, -2, -3};
  v.unknown = 0, v.bos = 1, v.eos = 2;
  return v;
}

TEST(Gguf, SentencePieceJoinsTheBestScoreFirst) {
  const Tokenizer tokenizer = Tokenizer::from_gguf(sentencepiece(), "test.gguf");
  EXPECT_THAT(tokenizer.encode("ab", false), ElementsAre(3, 6));  // "ab" (-1) before "▁a" (-2)
  EXPECT_THAT(tokenizer.encode("a", false), ElementsAre(7));
}

TEST(Gguf, SentencePieceAddsTheBeginningTokenUnlessToldNot) {
  GgufVocabulary silent = sentencepiece();
  silent.add_bos = false;
  silent.add_eos = true;
  EXPECT_THAT(Tokenizer::from_gguf(sentencepiece(), "test.gguf").encode("a", true), ElementsAre(1, 7));
  EXPECT_THAT(Tokenizer::from_gguf(silent, "test.gguf").encode("a", true), ElementsAre(7, 2));
}

TEST(Gguf, SpacePrefixCanBeSwitchedOff) {
  GgufVocabulary v = sentencepiece();
  v.add_space_prefix = false;
  EXPECT_THAT(Tokenizer::from_gguf(v, "test.gguf").encode("ab", false), ElementsAre(6));
}

TEST(Gguf, RefusesWhatItDoesNotKnowByName) {
  const auto message = [](GgufVocabulary v) {
    try {
      Tokenizer::from_gguf(std::move(v), "m.gguf");
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  GgufVocabulary v = sentencepiece();
  v.model = "rwkv";
  EXPECT_THAT(message(v), HasSubstr("rwkv"));
  v.model = "gpt2";
  v.pre = "qwen22";
  EXPECT_THAT(message(v), HasSubstr("'qwen2' is"));
  v = sentencepiece();
  v.tokens[4] = "b";
  EXPECT_THAT(message(v), HasSubstr("stands twice"));
  v = sentencepiece();
  v.scores.pop_back();
  EXPECT_THAT(message(v), HasSubstr("scores"));
}

}  // namespace
}  // namespace candor::text

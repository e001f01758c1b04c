// Every prompt of the golden suites, against the references' requests.jsonl.

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <optional>

#include "golden.h"

namespace candor::suites {
namespace {

/// SmolLM2's tokenizer. The GGUF file's and this one give the same ids: the golden ids are the GGUF's.
const text::Tokenizer* smollm2() {
  static const std::optional<text::Tokenizer> tokenizer = []() -> std::optional<text::Tokenizer> {
    const auto path = shared_path("golden_text/tokenizers/smollm/tokenizer.json");
    if (!std::filesystem::exists(path)) return std::nullopt;
    text::TokenizerConfig config;
    config.bos_token = "<|im_start|>", config.eos_token = "<|im_end|>";
    return text::Tokenizer::from_json(read_file(path), path.string(), config);
  }();
  return tokenizer ? &*tokenizer : nullptr;
}

std::vector<text::TokenId> ids(const Value& list) {
  std::vector<text::TokenId> out;
  for (const Value& id : list.list()) out.push_back(static_cast<text::TokenId>(id.integer()));
  return out;
}

void expect_ids(const TaskRequest& request, const Value& row, std::int64_t max_length) {
  const text::Tokenizer* tokenizer = smollm2();
  if (tokenizer == nullptr) return;
  if (request.kind == RequestKind::kLoglikelihood) {
    const EncodedPair pair = encode_pair(*tokenizer, request.context, request.continuation, max_length);
    EXPECT_EQ(pair.context, ids(*row.find("context_ids")));
    EXPECT_EQ(pair.continuation, ids(*row.find("continuation_ids")));
  } else if (request.kind == RequestKind::kGenerateUntil) {
    EXPECT_EQ(encode_prompt(*tokenizer, request.context, max_length, 1), ids(*row.find("context_ids")));
  } else {
    const std::vector<EncodedPair> windows = encode_rolling(*tokenizer, request.continuation, max_length);
    const Value::List& expected = row.find("windows")->list();
    ASSERT_EQ(windows.size(), expected.size());
    for (std::size_t i = 0; i < windows.size(); ++i) {
      EXPECT_EQ(windows[i].context, ids(*expected[i].find("context_ids")));
      EXPECT_EQ(windows[i].continuation, ids(*expected[i].find("continuation_ids")));
    }
  }
}

void expect_request(const TaskRequest& request, const Value& row, std::int64_t max_length) {
  SCOPED_TRACE("case " + row.find("case")->text() + ", document " + std::to_string(request.doc_id) + ", request " +
               std::to_string(request.index));
  EXPECT_EQ(request.doc_id, row.find("doc_id")->integer());
  EXPECT_EQ(request.index, row.find("idx")->integer());
  EXPECT_EQ(kind_name(request.kind), row.find("kind")->text());
  const auto text = [&](const char* key) { return row.find(key) != nullptr ? row.find(key)->text() : ""; };
  EXPECT_EQ(request.context, text("context"));
  EXPECT_EQ(request.continuation, text(request.kind == RequestKind::kLoglikelihoodRolling ? "text" : "continuation"));
  const Value* kwargs = row.find("generation_kwargs");
  EXPECT_EQ(request.generation_kwargs, kwargs != nullptr ? *kwargs : Value()) << to_json(request.generation_kwargs);
  expect_ids(request, row, max_length);
}

class GoldenRequests : public testing::TestWithParam<std::string> {};

TEST_P(GoldenRequests, AreTheReferences) {
  const std::filesystem::path folder = golden_suites() / GetParam();
  const Value cases = golden_json(folder / "cases.json");
  std::map<std::string, Value::List> rows;
  read_json_lines(folder / "requests.jsonl", [&](Value row, const std::string&) {
    const Value* task = row.find("task");
    rows[row.find("case")->text() + "/" + (task != nullptr ? task->text() : "")].push_back(std::move(row));
  });
  TaskLibrary library = golden_library();
  const Value* group = cases.find("group");
  const std::string spec = group != nullptr ? group->text() : (folder / "task.yaml").string();
  const std::vector<std::string> tasks = library.resolve(spec);
  const Value* max_length = cases.find("max_length");
  std::size_t compared = 0;
  for (const Value& settings : cases.find("cases")->list()) {
    TaskOptions options = golden_options(settings);
    const Value* requests = settings.find("requests");
    options.limit = requests != nullptr ? static_cast<double>(requests->integer()) : 20.0;
    for (const std::string& name : tasks) {
      const Task task = library.prepare(name, options);
      const Value::List& expected = rows[settings.find("name")->text() + "/" + (tasks.size() > 1 ? name : "")];
      ASSERT_EQ(task.requests().size(), expected.size()) << settings.find("name")->text() << " " << name;
      for (std::size_t i = 0; i < expected.size(); ++i)
        expect_request(task.requests()[i], expected[i], max_length != nullptr ? max_length->integer() : 8192);
      compared += expected.size();
    }
  }
  EXPECT_GT(compared, 0u);
  if (smollm2() == nullptr) GTEST_SKIP() << "no tokenizer of SmolLM2: token ids were not compared";
}

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(GoldenRequests);
INSTANTIATE_TEST_SUITE_P(Suites, GoldenRequests, testing::ValuesIn(golden_names()),
                         [](const auto& test) { return test.param; });

TEST(GoldenSuites, AreThere) {
  if (golden_names().empty()) GTEST_SKIP() << "no golden suites: prompts and scores were not compared with lm-eval's";
}

}  // namespace
}  // namespace candor::suites

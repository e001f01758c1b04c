// The tasks inside the program: their data are sound, and the public files they name can be read.

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <set>

#include "golden.h"

namespace candor::suites {
namespace {

TEST(ShippedTasks, AreListedWithADescription) {
  const TaskLibrary library;
  std::set<std::string> names;
  for (const TaskSummary& summary : library.list()) {
    names.insert(summary.name);
    EXPECT_FALSE(summary.description.empty()) << summary.name;
  }
  for (const char* name : {"candor_facts", "candor_sums", "gsm8k", "arc_easy", "arc_challenge", "hellaswag", "mmlu"})
    EXPECT_TRUE(names.contains(name)) << name;
}

TEST(ShippedTasks, FactsHaveFourDifferentChoicesAndBalancedPlaces) {
  TaskLibrary library;
  const Task task = library.prepare("candor_facts", {});
  EXPECT_GE(task.documents(), 60u);
  EXPECT_EQ(task.requests().size(), 4 * task.documents());
  std::array<std::size_t, 4> places{};
  std::set<std::string> questions;
  for (std::size_t i = 0; i < task.documents(); ++i) {
    const Dict& document = task.document(i);
    questions.insert(document.find("question")->text());
    std::set<std::string> choices;
    for (const Value& choice : document.find("choices")->list()) choices.insert(choice.text());
    EXPECT_EQ(choices.size(), 4u) << document.find("question")->text();
    ++places.at(static_cast<std::size_t>(document.find("answer")->integer()));
  }
  EXPECT_EQ(questions.size(), task.documents());
  for (const std::size_t count : places) EXPECT_EQ(count, task.documents() / 4);
}

TEST(ShippedTasks, SumsExtractTheNumberBehindTheAnswerIs) {
  TaskLibrary library;
  const Task task = library.prepare("candor_sums", {});
  EXPECT_GE(task.documents(), 40u);
  const std::string answer = task.document(0).find("answer")->text();
  const std::vector<TaskResponse> right{
      {.logprob = 0, .greedy = false, .text = " Well. The answer is " + answer + "."}};
  const std::vector<TaskResponse> loose{{.logprob = 0, .greedy = false, .text = " It was 7, so " + answer + ".00"}};
  EXPECT_EQ(task.score(0, right).metrics.at(0).value, 1.0);  // strict-match
  EXPECT_EQ(task.score(0, right).metrics.at(1).value, 1.0);  // flexible-extract
  EXPECT_EQ(task.score(0, loose).metrics.at(0).value, 0.0);
  EXPECT_EQ(task.score(0, loose).metrics.at(1).value, 1.0);
}

TEST(ShippedTasks, TheirExamplesAreInThePrompt) {
  TaskLibrary library;
  const Task task = library.prepare("candor_sums", {});
  const std::string& prompt = task.requests().at(0).context;
  EXPECT_NE(prompt.find("The answer is 19.\n\nQuestion: What is 45 divided by 9?"), std::string::npos);
  EXPECT_TRUE(prompt.ends_with("\nAnswer:"));
}

TEST(ShippedTasks, MmluIsFourGroupsOfTogether57Subjects) {
  TaskLibrary library;
  const std::vector<std::string> leaves = library.resolve("mmlu");
  EXPECT_EQ(std::set<std::string>(leaves.begin(), leaves.end()).size(), 57u);
  EXPECT_EQ(library.resolve("mmlu::stem").size(), 19u);
  EXPECT_EQ(library.resolve("mmlu::stem::astronomy").size(), 1u);
}

struct PublicTask {
  const char* name;
  std::size_t documents;
  int num_fewshot;
};

class PublicData : public testing::TestWithParam<PublicTask> {};

/// Numbers of documents are those of the data sets' README.
TEST_P(PublicData, CanBeReadWhole) {
  if (!std::filesystem::exists(shared_path("datasets")))
    GTEST_SKIP() << "no public data: the shipped tasks were not read";
  TaskLibrary library;
  ASSERT_EQ(library.resolve(GetParam().name).size(), 1u);
  TaskOptions options;
  options.data_dir = shared_path("datasets");
  options.num_fewshot = GetParam().num_fewshot;
  const Task task = library.prepare(GetParam().name, options);
  EXPECT_EQ(task.documents(), GetParam().documents);
  EXPECT_EQ(task.data_files().front().sha256.size(), 64u);
}

INSTANTIATE_TEST_SUITE_P(Tasks, PublicData,
                         testing::Values(PublicTask{"gsm8k", 1319, 8}, PublicTask{"arc_easy", 2376, 2},
                                         PublicTask{"arc_challenge", 1172, 0}, PublicTask{"hellaswag", 1000, 1},
                                         PublicTask{"winogrande", 633, 1}, PublicTask{"lambada_openai", 5153, 0},
                                         PublicTask{"mmlu::stem::astronomy", 152, 5}),
                         [](const auto& test) {
                           std::string name = test.param.name;
                           std::erase(name, ':');
                           return name;
                         });

}  // namespace
}  // namespace candor::suites

#include "harness/audit_plan.h"

#include <gmock/gmock.h>

#include <map>
#include <set>

#include "base/error.h"
#include "fake_model.h"
#include "golden_tokenizer.h"
#include "temporary_store.h"

namespace candor::harness {
namespace {

using results::Store;
using testing::Contains;
using testing::HasSubstr;

/// The shipped probe of the demo.
class AuditPlanTest : public testing::Test {
 protected:
  std::unique_ptr<Plan> plan(const AuditPlanOptions& options) {
    std::vector<probes::Probe> probes;
    probes.push_back(probes::ProbeLibrary().load("candor_demo"));
    results::Manifest manifest;
    manifest.kind = "audit";
    manifest.model = manifest.model_fingerprint = "fake";
    manifest.names = Value::List{"candor_demo"};
    manifest.options = Dict{{"shard", options.shard.index}};
    manifest.machine = Dict();
    return plan_audit(std::move(probes), model_, std::move(manifest), options);
  }

  static std::set<std::string> items(const Plan& plan) {
    std::set<std::string> items;
    for (const results::Sample& sample : plan.samples()) items.insert(sample.input.find("item")->text());
    return items;
  }

  static std::string chat(const std::string& question) { return "<|im_start|>user\n" + question + "<|im_end|>\n"; }

  text::Tokenizer tokenizer_ = golden_tokenizer();
  FakeModel model_{&tokenizer_};
  TemporaryFolder folder_;
  Store store_{folder_.file("audit.db"), Store::Mode::kWrite};
};

TEST_F(AuditPlanTest, LimitKeepsItemsWithTheirControls) {
  const std::unique_ptr<Plan> limited = plan({.limit = 2, .chat = chat});
  std::map<std::string, std::set<std::string>> roles;
  for (const results::Sample& sample : limited->samples())
    roles[sample.input.find("item")->text()].insert(sample.input.find("role")->text());

  EXPECT_EQ(roles.size(), 2u);
  for (const auto& [item, found] : roles) EXPECT_THAT(found, testing::ElementsAre("control", "sensitive")) << item;
}

TEST_F(AuditPlanTest, ShardsShareOutTheItems) {
  std::set<std::string> together;
  std::size_t count = 0;
  for (int i = 1; i <= 3; ++i) {
    const std::set<std::string> part = items(*plan({.shard = {i, 3}, .chat = chat}));
    together.insert(part.begin(), part.end());
    count += part.size();
  }
  EXPECT_EQ(together, items(*plan({.chat = chat})));
  EXPECT_EQ(count, together.size()) << "an item is in two shards";
}

TEST_F(AuditPlanTest, QuestionsGoThroughTheChatTemplate) {
  const std::unique_ptr<Plan> whole = plan({.limit = 1, .chat = chat});
  const std::string prompt = tokenizer_.decode(whole->job().generations().requests.at(0).prompt, false);
  EXPECT_THAT(prompt, HasSubstr("<|im_start|>user\n"));
  EXPECT_THAT(whole->notes(), testing::IsEmpty());
}

TEST_F(AuditPlanTest, WithoutAChatTemplateQuestionsArePlainTextAndANoteSaysSo) {
  const std::unique_ptr<Plan> whole = plan({.limit = 1});
  const engine::GenerateRequest& request = whole->job().generations().requests.at(0);
  EXPECT_THAT(tokenizer_.decode(request.prompt, false), testing::StartsWith("Question: "));
  EXPECT_THAT(request.stop, Contains("\nQuestion:"));
  EXPECT_THAT(whole->notes(), Contains(HasSubstr("no chat template")));
}

TEST_F(AuditPlanTest, StatementsAreScoredWithoutTheChatTemplate) {
  const std::unique_ptr<Plan> whole = plan({.chat = chat});
  ASSERT_FALSE(whole->job().scores().requests.empty());
  for (const engine::ScoreRequest& request : whole->job().scores().requests)
    ASSERT_THAT(tokenizer_.decode(request.context, false), testing::Not(HasSubstr("<|im_start|>")));
}

TEST_F(AuditPlanTest, EveryAnswerHasAVerdictAndTheRunHasFindings) {
  const std::unique_ptr<Plan> whole = plan({.limit = 4, .chat = chat});
  const RunOutcome outcome = execute(*whole, model_, store_, {});
  std::size_t prompts = 0, forms = 0;
  for (const results::Sample& sample : whole->samples())
    prompts += sample.input.find("framing")->text() != "contrast" ? 1 : 0;
  for (const results::Score& score : store_.scores(outcome.run)) {
    if (score.metric != "form") continue;
    ++forms;
    EXPECT_NE(score.detail.find("form"), nullptr);
  }
  EXPECT_EQ(forms, prompts);
  EXPECT_FALSE(store_.findings(outcome.run).empty());
}

TEST_F(AuditPlanTest, RecordsTheHashesOfProbeAndRules) {
  const Value data = plan({.limit = 1, .chat = chat})->manifest().data;
  EXPECT_NE(data.find("rules"), nullptr);
  EXPECT_NE(data.find("probe candor_demo"), nullptr);
}

TEST_F(AuditPlanTest, PromptThatDoesNotFitNamesProbeAndItem) {
  model_.set_context(30);
  try {
    plan({.chat = chat});
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.exit_code(), 3);
    EXPECT_THAT(error.what(), HasSubstr("probe candor_demo, prompt 0"));
    EXPECT_THAT(error.what(), HasSubstr("context is 30"));
  }
}

}  // namespace
}  // namespace candor::harness

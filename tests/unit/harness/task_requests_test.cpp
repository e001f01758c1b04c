#include "harness/task_requests.h"

#include <gmock/gmock.h>

#include "base/error.h"
#include "golden_tokenizer.h"

namespace candor::harness {
namespace {

using suites::RequestKind;
using suites::TaskRequest;

class TaskRequestsTest : public testing::Test {
 protected:
  static TaskRequest generation(Dict kwargs, int index = 0) {
    TaskRequest request;
    request.kind = RequestKind::kGenerateUntil;
    request.index = index;
    request.context = "The capital of France";
    request.generation_kwargs = std::move(kwargs);
    return request;
  }
  engine::GenerateRequest encode(const TaskRequest& request) const {
    return encode_generation(request, "task", 1234, {tokenizer_, 4096}).request;
  }

  text::Tokenizer tokenizer_ = golden_tokenizer();
};

// Defaults and priorities: lm-evaluation-harness 0.4.13, HFLM.generate_until.
TEST_F(TaskRequestsTest, DefaultIs256GreedyTokens) {
  const engine::GenerateRequest request = encode(generation({}));
  EXPECT_EQ(request.max_tokens, 256);
  EXPECT_EQ(request.sampling.temperature, 0.0f);
}

TEST_F(TaskRequestsTest, MaxGenToksWinsOverItsAliases) {
  EXPECT_EQ(encode(generation({{"max_gen_toks", 7}, {"max_tokens", 9}, {"max_new_tokens", 8}})).max_tokens, 7);
  EXPECT_EQ(encode(generation({{"max_tokens", 9}, {"max_new_tokens", 8}})).max_tokens, 8);
}

TEST_F(TaskRequestsTest, DoSampleFalseForcesGreedy) {
  EXPECT_EQ(encode(generation({{"do_sample", false}, {"temperature", 0.8}})).sampling.temperature, 0.0f);
}

TEST_F(TaskRequestsTest, TemperatureAloneSamples) {
  EXPECT_EQ(encode(generation({{"temperature", 0.5}})).sampling.temperature, 0.5f);
}

TEST_F(TaskRequestsTest, RepeatsDrawDifferentlyAndAlwaysTheSame) {
  const auto seed = [&](int index) { return encode(generation({{"temperature", 0.5}}, index)).sampling.seed; };
  EXPECT_NE(seed(0), seed(1));
  EXPECT_EQ(seed(1), seed(1));
}

TEST_F(TaskRequestsTest, AnswersEndAtStopTextsAndAtTheTextOfTheEndToken) {
  EXPECT_THAT(encode(generation({{"until", Value::List{"\n\n", ""}}})).stop,
              testing::ElementsAre("\n\n", "<|im_end|>"));
}

TEST_F(TaskRequestsTest, UnknownSettingIsAnError) {
  EXPECT_THROW(encode(generation({{"temprature", 0.5}})), Error);
}

TEST_F(TaskRequestsTest, BeamSearchIsRefused) {
  EXPECT_THROW(encode(generation({{"num_beams", 4}})), Error);
  EXPECT_NO_THROW(encode(generation({{"num_beams", 1}})));
}

TEST_F(TaskRequestsTest, PromptIsCutToLeaveRoomForTheAnswer) {
  const EncodedGeneration cut = encode_generation(generation({{"max_gen_toks", 10}}), "task", 1, {tokenizer_, 14});
  EXPECT_TRUE(cut.truncated);
  EXPECT_EQ(cut.request.prompt.size(), 4u);
}

}  // namespace
}  // namespace candor::harness

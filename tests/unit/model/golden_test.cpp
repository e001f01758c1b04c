// The golden checkpoints: specs against expectations written by hand from their config.json, and dequantised rows
// against those that numpy made (shared/golden/README.md).
#include "golden.h"

#include <cmath>

#include "base/file.h"
#include "base/json.h"
#include "engine/model/builder.h"
#include "engine/model/gguf.h"
#include "engine/model/model.h"

namespace candor::model {
namespace {

constexpr const char* kFolders[] = {
    "deepseek_v3", "deepseek_v3_fp8", "deepseek_v2_lite", "deepseek_v2", "qwen3_moe", "qwen2_moe", "mixtral", "olmoe",
    "gpt_oss",     "llama",           "llama_tied",       "qwen2",       "qwen3"};
constexpr const char* kGguf[] = {"gguf_llama_f16",  "gguf_llama_bf16", "gguf_llama_q4_0", "gguf_llama_q4_1",
                                 "gguf_llama_q5_0", "gguf_llama_q8_0", "gguf_llama_q4_k", "gguf_llama_q6_k"};

class GoldenFolder : public ::testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Families, GoldenFolder, ::testing::ValuesIn(kFolders),
                         [](const auto& tested) { return std::string(tested.param); });

TEST_P(GoldenFolder, OpensWithTheSizesOfItsConfig) {
  SKIP_WITHOUT_GOLDEN(GetParam());
  const Checkpoint checkpoint(golden(GetParam()).string());
  const Value config = parse_json(read_file((golden(GetParam()) / "config.json").string()), "config.json");
  const ModelSpec& spec = checkpoint.spec();
  EXPECT_EQ(spec.family, config.find("model_type")->text());
  EXPECT_EQ(spec.name, GetParam());
  EXPECT_EQ(spec.vocab_size, config.find("vocab_size")->integer());
  EXPECT_EQ(spec.hidden, config.find("hidden_size")->integer());
  EXPECT_EQ(static_cast<std::int64_t>(spec.layers.size()), config.find("num_hidden_layers")->integer());
  EXPECT_EQ(checkpoint.embedding().rows(), spec.vocab_size);
  EXPECT_EQ(checkpoint.head().cols(), spec.hidden);
  EXPECT_EQ(spec.tied, config.find("tie_word_embeddings")->boolean());
  EXPECT_FALSE(spec.eos.empty());
  EXPECT_TRUE(checkpoint.chat_template().has_value());
}

TEST_P(GoldenFolder, EveryRowReadsAsFiniteNumbers) {
  SKIP_WITHOUT_GOLDEN(GetParam());
  const Checkpoint checkpoint(golden(GetParam()).string());
  std::vector<const StoredMatrix*> matrices = {&checkpoint.embedding(), &checkpoint.head(), &checkpoint.final_norm()};
  for (int i = 0; i < static_cast<int>(checkpoint.spec().layers.size()); ++i) {
    const LayerWeights& layer = checkpoint.layer(i);
    for (const StoredMatrix* m : {&layer.q, &layer.kv_b, &layer.o, &layer.mlp.gate, &layer.mlp.down, &layer.shared.up})
      matrices.push_back(m);
    for (const ExpertWeights& expert : layer.experts)
      for (const StoredMatrix* m : {&expert.gate, &expert.up, &expert.down, &expert.up_bias}) matrices.push_back(m);
  }
  for (const StoredMatrix* matrix : matrices) {
    std::vector<float> values(static_cast<std::size_t>(matrix->rows() * matrix->cols()));
    matrix->read(0, matrix->rows(), values.data());
    for (float value : values) ASSERT_TRUE(std::isfinite(value)) << matrix->name();
  }
}

class GoldenGguf : public ::testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Types, GoldenGguf, ::testing::ValuesIn(kGguf),
                         [](const auto& tested) { return std::string(tested.param); });

TEST_P(GoldenGguf, DequantisedRowsAreThoseOfTheReference) {
  SKIP_WITHOUT_GOLDEN(GetParam());
  const std::filesystem::path path = golden(GetParam());
  const MappedFile file(path.string());
  TensorTable tensors;
  read_gguf(file, tensors);
  CheckpointBuilder builder(tensors);
  const Value reference = parse_json(read_file((path.parent_path() / "reference.json").string()), "reference.json");
  int checked = 0;
  for (const Value& item : reference.find("dequantised_rows")->list()) {
    const std::string& name = item.find("tensor")->text();
    const std::vector<std::int64_t>& shape = tensors.at(name).shape;
    const StoredMatrix matrix = builder.matrix(name, shape.size() == 2 ? shape[0] : 1, shape.back());
    EXPECT_EQ(type_name(matrix.type()), item.find("type")->text());
    const Value& row = *item.find("row");
    std::vector<float> values(static_cast<std::size_t>(matrix.cols()));
    matrix.read(row.is_null() ? 0 : row.integer(), 1, values.data());
    const Value::List& expected = item.find("values")->list();
    ASSERT_EQ(expected.size(), values.size());
    for (std::size_t i = 0; i < values.size(); ++i, ++checked) {
      // Nine significant digits give the same f32 back.
      ASSERT_EQ(values[i], static_cast<float>(expected[i].real()))
          << name << " row " << to_json(row) << " [" << i << "]";
    }
  }
  EXPECT_GT(checked, 0);
}

TEST_P(GoldenGguf, OpensAsTheLlamaItIs) {
  SKIP_WITHOUT_GOLDEN(GetParam());
  const Checkpoint checkpoint(golden(GetParam()).string());
  EXPECT_EQ(checkpoint.spec().family, "llama");
  EXPECT_EQ(checkpoint.spec().vocab_size, 352);
  EXPECT_TRUE(checkpoint.spec().tied);
  EXPECT_EQ(checkpoint.spec().attention.rope.pairing, RopeSpec::Pairing::kAdjacent);
  EXPECT_TRUE(checkpoint.chat_template().has_value());
}

/// Files and metadata reach the tokenizer: the ids of the reference's prompts.
void expect_prompt_ids(const std::filesystem::path& checkpoint, const std::filesystem::path& folder) {
  const text::Tokenizer tokenizer = Checkpoint(checkpoint.string()).tokenizer();
  const Value reference = parse_json(read_file((folder / "reference.json").string()), "reference.json");
  for (const Value& prompt : reference.find("prompts")->list()) {
    std::vector<text::TokenId> expected;
    for (const Value& id : prompt.find("ids")->list()) expected.push_back(static_cast<text::TokenId>(id.integer()));
    EXPECT_EQ(tokenizer.encode(prompt.find("text")->text(), true), expected) << prompt.find("text")->text();
  }
}

TEST_P(GoldenFolder, ItsTokenizerGivesTheIdsOfTheReference) {
  SKIP_WITHOUT_GOLDEN(GetParam());
  expect_prompt_ids(golden(GetParam()), golden(GetParam()));
}

TEST_P(GoldenGguf, ItsTokenizerGivesTheIdsOfTheReference) {
  SKIP_WITHOUT_GOLDEN(GetParam());
  expect_prompt_ids(golden(GetParam()), golden(GetParam()).parent_path());
}

// What follows is written by hand from the config.json of each folder.

TEST(GoldenSpec, DeepseekV3) {
  SKIP_WITHOUT_GOLDEN("deepseek_v3");
  const Checkpoint checkpoint(golden("deepseek_v3").string());
  const ModelSpec& spec = checkpoint.spec();
  EXPECT_EQ(spec.context, 163840);
  EXPECT_EQ(spec.latent_norm_epsilon, 1e-6);
  const AttentionSpec& a = spec.attention;
  EXPECT_EQ(a.kind, AttentionSpec::Kind::kLatent);
  EXPECT_EQ(a.heads, 4);
  EXPECT_EQ(a.q_lora_rank, 40);
  EXPECT_EQ(a.kv_lora_rank, 32);
  EXPECT_EQ(a.nope_dim, 32);
  EXPECT_EQ(a.rope_dim, 16);
  EXPECT_EQ(a.head_dim, 48);
  // m = 0.1 ln 40 + 1 = 1.368887945..., m * m / sqrt(48)
  EXPECT_NEAR(a.softmax_scale, 1.3688879454113936 * 1.3688879454113936 / 6.928203230275509, 1e-12);
  EXPECT_EQ(a.rope.scaling, RopeSpec::Scaling::kYarn);
  EXPECT_EQ(a.rope.pairing, RopeSpec::Pairing::kAdjacent);
  EXPECT_EQ(a.rope.dims, 16);
  EXPECT_EQ(a.rope.factor, 40);
  EXPECT_EQ(a.rope.original_context, 4096);
  EXPECT_EQ(a.rope.cos_sin_scale, 1.0);
  EXPECT_EQ(spec.router.score, RouterSpec::Score::kSigmoid);
  EXPECT_EQ(spec.router.grouping, RouterSpec::Groups::kSumOfBestTwo);
  EXPECT_EQ(spec.router.experts, 16);
  EXPECT_EQ(spec.router.top_k, 4);
  EXPECT_EQ(spec.router.groups, 4);
  EXPECT_EQ(spec.router.top_groups, 2);
  EXPECT_EQ(spec.router.scale, 2.5);
  EXPECT_TRUE(spec.router.normalise);
  EXPECT_FALSE(spec.layers[0].mlp.sparse);
  EXPECT_EQ(spec.layers[0].mlp.width, 160);
  EXPECT_TRUE(spec.layers[1].mlp.sparse);
  EXPECT_EQ(spec.layers[1].mlp.width, 32);
  EXPECT_EQ(spec.layers[1].mlp.shared_width, 32);
  EXPECT_EQ(spec.eos, std::vector<std::int32_t>{1});
  EXPECT_EQ(spec.bos, 0);
  EXPECT_TRUE(checkpoint.layer(1).router_bias.present());
}

TEST(GoldenSpec, MultiTokenPredictionLayersAreLeftOutAndNoted) {
  SKIP_WITHOUT_GOLDEN("deepseek_v3");
  const Checkpoint checkpoint(golden("deepseek_v3").string());
  EXPECT_EQ(checkpoint.spec().layers.size(), 3u);
  ASSERT_EQ(checkpoint.notes().size(), 1u);
  EXPECT_EQ(checkpoint.notes()[0].find("multi-token prediction layer 3"), 0u) << checkpoint.notes()[0];
}

TEST(GoldenSpec, DeepseekV2Lite) {
  SKIP_WITHOUT_GOLDEN("deepseek_v2_lite");
  const Checkpoint checkpoint(golden("deepseek_v2_lite").string());
  const ModelSpec& spec = checkpoint.spec();
  EXPECT_EQ(spec.attention.q_lora_rank, 0);
  EXPECT_EQ(spec.attention.v_head_dim, 24);
  // m = 0.0707 ln 40 + 1
  EXPECT_NEAR(spec.attention.softmax_scale, std::pow(0.0707 * 3.6888794541139363 + 1, 2) / std::sqrt(40.0), 1e-12);
  EXPECT_EQ(spec.router.score, RouterSpec::Score::kSoftmax);
  EXPECT_EQ(spec.router.grouping, RouterSpec::Groups::kNone);
  EXPECT_FALSE(spec.router.normalise);
  EXPECT_EQ(spec.layers[2].mlp.shared_width, 96);
  EXPECT_TRUE(checkpoint.layer(0).q.present());
  EXPECT_FALSE(checkpoint.layer(0).q_a.present());
}

TEST(GoldenSpec, DeepseekV2) {
  SKIP_WITHOUT_GOLDEN("deepseek_v2");
  const Checkpoint checkpoint(golden("deepseek_v2").string());
  const RouterSpec& router = checkpoint.spec().router;
  EXPECT_EQ(router.grouping, RouterSpec::Groups::kBest);
  EXPECT_EQ(router.groups, 4);
  EXPECT_EQ(router.top_groups, 2);
  EXPECT_EQ(router.scale, 16.0);
}

TEST(GoldenSpec, GptOss) {
  SKIP_WITHOUT_GOLDEN("gpt_oss");
  const Checkpoint checkpoint(golden("gpt_oss").string());
  const ModelSpec& spec = checkpoint.spec();
  EXPECT_EQ(spec.attention.head_dim, 32);
  EXPECT_TRUE(spec.attention.sinks);
  EXPECT_NEAR(spec.attention.softmax_scale, 1 / std::sqrt(32.0), 1e-15);
  EXPECT_FALSE(spec.attention.rope.truncate);
  EXPECT_NEAR(spec.attention.rope.cos_sin_scale, 0.1 * std::log(32.0) + 1, 1e-12);
  EXPECT_EQ(spec.activation, Activation::kGptOss);
  EXPECT_EQ(spec.swiglu_limit, 7.0);
  EXPECT_EQ(spec.router.score, RouterSpec::Score::kSoftmaxOfChosen);
  const int windows[] = {16, 0, 16, 0};
  for (int i = 0; i < 4; ++i) EXPECT_EQ(spec.layers[i].window, windows[i]);
  EXPECT_EQ(checkpoint.layer(0).experts.size(), 8u);
  EXPECT_EQ(checkpoint.layer(0).experts[7].gate.type(), DataType::kMXFP4);
  EXPECT_TRUE(checkpoint.layer(0).o_bias.present());
}

TEST(GoldenSpec, LlamaWithItsOwnRopeScaling) {
  SKIP_WITHOUT_GOLDEN("llama");
  const Checkpoint checkpoint(golden("llama").string());
  const ModelSpec& spec = checkpoint.spec();
  EXPECT_EQ(spec.attention.rope.scaling, RopeSpec::Scaling::kLlama3);
  EXPECT_EQ(spec.attention.rope.theta, 500000.0);
  EXPECT_EQ(spec.attention.rope.factor, 8.0);
  EXPECT_EQ(spec.attention.rope.original_context, 64);
  EXPECT_EQ(spec.attention.rope.high_freq_factor, 4.0);
  EXPECT_EQ(spec.attention.heads, 6);
  EXPECT_EQ(spec.attention.kv_heads, 2);
  EXPECT_EQ(spec.attention.head_dim, 16);
  EXPECT_EQ(spec.eos, std::vector<std::int32_t>{4});
}

TEST(GoldenSpec, Qwen2Moe) {
  SKIP_WITHOUT_GOLDEN("qwen2_moe");
  const Checkpoint checkpoint(golden("qwen2_moe").string());
  const ModelSpec& spec = checkpoint.spec();
  const bool sparse[] = {false, true, false, true};
  for (int i = 0; i < 4; ++i) EXPECT_EQ(spec.layers[i].mlp.sparse, sparse[i]);
  EXPECT_EQ(spec.layers[1].mlp.shared_width, 96);
  EXPECT_TRUE(spec.layers[1].mlp.shared_gate);
  EXPECT_EQ(spec.layers[0].window, 0) << "the window is switched off";
  EXPECT_TRUE(checkpoint.layer(0).q_bias.present());
  EXPECT_FALSE(checkpoint.layer(0).o_bias.present());
}

TEST(GoldenSpec, NormsOfQueriesAndKeys) {
  SKIP_WITHOUT_GOLDEN("olmoe");
  const Checkpoint olmoe(golden("olmoe").string()), qwen3(golden("qwen3_moe").string());
  EXPECT_EQ(olmoe.spec().attention.qk_norm, AttentionSpec::QkNorm::kWhole);
  EXPECT_EQ(olmoe.layer(0).q_norm.cols(), 64);
  EXPECT_FALSE(olmoe.spec().router.normalise);
  EXPECT_EQ(qwen3.spec().attention.qk_norm, AttentionSpec::QkNorm::kPerHead);
  EXPECT_EQ(qwen3.layer(0).q_norm.cols(), 24);
  EXPECT_TRUE(qwen3.spec().router.normalise);
}

TEST(GoldenSpec, TheConfigDecidesAboutTheHeadNotTheFile) {
  SKIP_WITHOUT_GOLDEN("qwen3");
  const Checkpoint checkpoint(golden("qwen3").string());
  EXPECT_EQ(checkpoint.head().name(), "model.embed_tokens.weight");
  ASSERT_EQ(checkpoint.notes().size(), 1u);
  EXPECT_EQ(checkpoint.notes()[0], "tensor 'lm_head.weight' is not used");
}

TEST(GoldenParameters, ActiveLeavesOutExpertsNotChosen) {
  SKIP_WITHOUT_GOLDEN("mixtral");
  const Checkpoint checkpoint(golden("mixtral").string());
  // hidden 64, 3 layers, 4 heads and 2 of keys of 16, width 112, 8 experts of which 2 run, vocabulary 560.
  const std::uint64_t expert = 3 * 64 * 112, attention = 2 * 64 * 64 + 2 * 32 * 64, norms = 2 * 64, router = 8 * 64;
  const std::uint64_t outside = 2 * 560 * 64 + 64;
  EXPECT_EQ(checkpoint.total_parameters(), outside + 3 * (attention + norms + router + 8 * expert));
  EXPECT_EQ(checkpoint.active_parameters(), outside + 3 * (attention + norms + router + 2 * expert));
  EXPECT_EQ(checkpoint.stored_bytes(), 2 * checkpoint.total_parameters()) << "all is bf16";
}

TEST(GoldenGroups, SayTheTypesOfEachPart) {
  SKIP_WITHOUT_GOLDEN("gpt_oss");
  const Checkpoint checkpoint(golden("gpt_oss").string());
  for (const TensorGroup& group : checkpoint.groups()) {
    if (group.role != "experts") continue;
    EXPECT_EQ(group.elements.front().first, DataType::kMXFP4);
    EXPECT_EQ(group.elements.front().second, 4u * 8 * 3 * 96 * 64);
    return;
  }
  FAIL() << "no group of experts";
}

}  // namespace
}  // namespace candor::model

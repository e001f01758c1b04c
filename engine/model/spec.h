// A model as data: what one forward pass needs to know of any family. Filled from config.json or GGUF metadata.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace candor::model {

/// Rotary position embedding (Su et al. 2104.09864) and its scalings (transformers' modeling_rope_utils).
struct RopeSpec {
  enum class Scaling { kNone, kLinear, kLlama3, kYarn };
  /// Which two elements make a pair: (i, i + dims/2), or (2i, 2i + 1) as in DeepSeek checkpoints and GGUF llama files.
  enum class Pairing { kHalves, kAdjacent };

  int dims = 0;  ///< Elements of a head that are rotated, from its start (MLA: the rope part).
  double theta = 10000.0;
  Pairing pairing = Pairing::kHalves;
  Scaling scaling = Scaling::kNone;
  double factor = 1.0;
  std::int64_t original_context = 0;                     // original_max_position_embeddings
  double low_freq_factor = 1.0, high_freq_factor = 4.0;  // llama3
  double beta_fast = 32.0, beta_slow = 1.0;              // yarn
  bool truncate = true;                                  // yarn: floor and ceil the ramp's ends
  double cos_sin_scale = 1.0;                            // yarn: attention factor; multiplies cos and sin
  std::vector<float> factors;  // GGUF rope_freqs.weight: each frequency is divided by it; may be empty
};

struct AttentionSpec {
  enum class Kind { kGrouped, kLatent };
  enum class QkNorm { kNone, kPerHead, kWhole };  ///< RMSNorm of q and k before rope: qwen3, olmoe.

  Kind kind = Kind::kGrouped;
  int heads = 0;
  int kv_heads = 0;
  int head_dim = 0;            ///< Of q and k; MLA: qk_nope_head_dim + qk_rope_head_dim.
  int v_head_dim = 0;          ///< Grouped: = head_dim.
  double softmax_scale = 0.0;  ///< Multiplies q·k; includes YaRN's mscale².
  QkNorm qk_norm = QkNorm::kNone;
  std::optional<double> clip_qkv;  // olmoe
  bool sinks = false;              // gpt-oss: one learned logit per head joins the softmax's denominator
  // kLatent (DeepSeek-V2 report, 2.1):
  int q_lora_rank = 0;  ///< 0: q_proj is one matrix.
  int kv_lora_rank = 0;
  int nope_dim = 0;  ///< qk_nope_head_dim
  int rope_dim = 0;  ///< qk_rope_head_dim
  RopeSpec rope;
};

/// Choice of experts; see the families' rows in the reference implementations (transformers 5).
struct RouterSpec {
  enum class Score { kSoftmax, kSigmoid, kSoftmaxOfChosen };  ///< The last: top-k of logits, then softmax over those.
  enum class Groups { kNone, kBest, kSumOfBestTwo };          ///< How a group of experts is scored.

  int experts = 0;
  int top_k = 0;
  Score score = Score::kSoftmax;
  bool normalise = false;  ///< Weights of the chosen are divided by their sum.
  double scale = 1.0;      ///< routed_scaling_factor
  Groups grouping = Groups::kNone;
  int groups = 1, top_groups = 1;
};

enum class Activation { kSilu, kGeluTanh, kGptOss };  ///< kGptOss: clamped SwiGLU with (up + 1) and 1.702.

struct MlpSpec {
  int width = 0;             ///< Of one (expert's) hidden layer.
  int shared_width = 0;      ///< Of the shared expert; 0: none.
  bool shared_gate = false;  ///< qwen2_moe: sigmoid of a linear gate on the shared expert.
  bool sparse = false;
};

struct LayerSpec {
  MlpSpec mlp;
  int window = 0;  ///< Sliding window: the token itself and the window-1 before it; 0: full attention.
};

struct ModelSpec {
  std::string family;        ///< model_type or GGUF architecture: "qwen3_moe".
  std::string name;          ///< For people: general.name or the folder's name.
  int vocab_size = 0;        ///< Rows of the embedding.
  int hidden = 0;            ///< hidden_size
  std::int64_t context = 0;  ///< max_position_embeddings: longest sequence.
  double norm_epsilon = 1e-6;
  double latent_norm_epsilon = 1e-6;  // q_a_layernorm, kv_a_layernorm
  bool tied = false;                  ///< The head is the embedding.
  Activation activation = Activation::kSilu;
  double swiglu_limit = 0.0;
  AttentionSpec attention;
  RouterSpec router;
  std::vector<LayerSpec> layers;
  std::vector<std::int32_t> eos;  ///< Ids that end a generation (generation_config.json, config.json, GGUF).
  std::optional<std::int32_t> bos;
  bool all_sparse() const;
};

}  // namespace candor::model

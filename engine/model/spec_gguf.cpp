#include "engine/model/spec_gguf.h"

#include <algorithm>
#include <cmath>
#include <iterator>

#include "base/error.h"
#include "engine/model/dequantize.h"

namespace candor::model {
namespace {

constexpr std::string_view kArchitectures[] = {"deepseek2", "gpt-oss",  "llama", "olmoe",
                                               "qwen2",     "qwen2moe", "qwen3", "qwen3moe"};
constexpr int kMaxSize = 1 << 24, kMaxLayers = 1 << 12, kMaxExperts = 1 << 14, kMaxHeads = 1 << 14;

class Reader {
 public:
  Reader(const GgufMetadata& metadata, const TensorTable& tensors, std::string where)
      : metadata_(metadata), tensors_(tensors), where_(std::move(where)) {}

  GgufModel read();

 private:
  std::string key(std::string_view rest) const { return arch_ + "." + std::string(rest); }
  [[noreturn]] void refuse(const std::string& what, const std::string& remedy = {}) const {
    throw Error(ErrorKind::kBadInput, where_, what, remedy);
  }

  int size(std::string_view rest, int limit = kMaxSize) const;
  int size_or(std::string_view rest, int absent, int limit = kMaxSize) const;
  int count_or(std::string_view rest, int absent) const;
  double real_or(std::string_view rest, double absent) const { return metadata_.real(key(rest)).value_or(absent); }
  double positive_or(std::string_view rest, double absent) const;
  bool arch_is(std::string_view name) const { return arch_ == name; }
  bool has_tensor(const std::string& name) const { return tensors_.find(name) != tensors_.end(); }

  int layers_to_run();
  void read_grouped_attention();
  void read_latent_attention();
  void read_rope(int dims);
  void read_rope_factors();
  void read_mlps();
  void read_router(int experts);
  void read_deepseek_router();

  const GgufMetadata& metadata_;
  const TensorTable& tensors_;
  std::string where_;
  std::string arch_;
  GgufModel model_;
  ModelSpec& spec_ = model_.spec;
};

int Reader::size(std::string_view rest, int limit) const {
  const auto value = metadata_.integer(key(rest));
  if (!value) refuse("the key '" + key(rest) + "' is missing");
  if (*value < 1 || *value > limit)
    refuse("'" + key(rest) + "' is " + std::to_string(*value) + ", expected 1 to " + std::to_string(limit));
  return static_cast<int>(*value);
}

int Reader::size_or(std::string_view rest, int absent, int limit) const {
  return metadata_.has(key(rest)) ? size(rest, limit) : absent;
}

int Reader::count_or(std::string_view rest, int absent) const {
  return metadata_.integer(key(rest)) == 0 ? 0 : size_or(rest, absent);
}

double Reader::positive_or(std::string_view rest, double absent) const {
  const double value = real_or(rest, absent);
  if (!(value > 0)) refuse("'" + key(rest) + "' is not positive");
  return value;
}

GgufModel Reader::read() {
  arch_ = metadata_.text("general.architecture").value_or("");
  if (std::find(std::begin(kArchitectures), std::end(kArchitectures), arch_) == std::end(kArchitectures)) {
    std::string known;
    for (std::string_view name : kArchitectures) known += (known.empty() ? "" : ", ") + std::string(name);
    refuse("the architecture \"" + arch_ + "\" is not known; known are " + known);
  }
  spec_.family = arch_;
  spec_.name = metadata_.text("general.name").value_or("");
  spec_.hidden = size("embedding_length");
  spec_.context = size("context_length", INT32_MAX);
  spec_.norm_epsilon = real_or("attention.layer_norm_rms_epsilon", 1e-6);
  spec_.latent_norm_epsilon = spec_.norm_epsilon;  // llama.cpp has one epsilon
  const auto embedding = tensors_.find("token_embd.weight");
  if (embedding == tensors_.end()) refuse("the tensor 'token_embd.weight' is missing");
  const std::vector<std::int64_t>& shape = embedding->second.shape;
  if (shape.size() != 2 || shape[0] < 1 || shape[0] > kMaxSize)
    refuse("the tensor 'token_embd.weight' has shape " + shape_text(shape));
  spec_.vocab_size = static_cast<int>(shape[0]);
  spec_.tied = !has_tensor("output.weight");
  spec_.layers.resize(static_cast<std::size_t>(layers_to_run()));
  arch_is("deepseek2") ? read_latent_attention() : read_grouped_attention();
  read_rope_factors();
  read_mlps();
  return std::move(model_);
}

/// Layers for multi-token prediction count in block_count and carry tensors blk.N.nextn.*.
int Reader::layers_to_run() {
  const int blocks = size("block_count", kMaxLayers);
  const int extra = count_or("nextn_predict_layers", 0);
  if (extra == 0) return blocks;
  const std::string prefix = "blk." + std::to_string(blocks - 1) + ".nextn.";
  const auto found = tensors_.lower_bound(prefix);
  if (found == tensors_.end() || !found->first.starts_with(prefix)) return blocks;
  if (extra >= blocks) refuse("'" + key("nextn_predict_layers") + "' leaves no layer");
  return blocks - extra;
}

void Reader::read_grouped_attention() {
  AttentionSpec& a = spec_.attention;
  a.heads = size("attention.head_count", kMaxHeads);
  a.kv_heads = size_or("attention.head_count_kv", a.heads, kMaxHeads);
  if (a.heads % a.kv_heads != 0) refuse("'" + key("attention.head_count") + "' is no multiple of head_count_kv");
  if (!metadata_.has(key("attention.key_length")) && spec_.hidden % a.heads != 0)
    refuse("'" + key("embedding_length") + "' is no multiple of the number of heads");
  a.head_dim = size_or("attention.key_length", spec_.hidden / a.heads, 1 << 14);
  a.v_head_dim = size_or("attention.value_length", a.head_dim, 1 << 14);
  if (a.v_head_dim != a.head_dim) refuse("'" + key("attention.value_length") + "' differs from key_length");
  a.softmax_scale = 1.0 / std::sqrt(static_cast<double>(a.head_dim));
  if (arch_is("qwen3") || arch_is("qwen3moe")) a.qk_norm = AttentionSpec::QkNorm::kPerHead;
  if (arch_is("olmoe")) a.qk_norm = AttentionSpec::QkNorm::kWhole;
  if (const double clip = real_or("attention.clamp_kqv", 0); clip > 0) a.clip_qkv = clip;
  a.sinks = arch_is("gpt-oss");
  // Conversion to the llama architecture permutes the rows of q and k, so that pairs are adjacent; others keep halves.
  read_rope(size_or("rope.dimension_count", a.head_dim, a.head_dim));
  a.rope.pairing = arch_is("llama") ? RopeSpec::Pairing::kAdjacent : RopeSpec::Pairing::kHalves;
  if (const int window = count_or("attention.sliding_window", 0); window > 0 && arch_is("gpt-oss")) {
    for (std::size_t i = 0; i < spec_.layers.size(); i += 2) spec_.layers[i].window = window;
  } else if (window > 0 && arch_is("llama")) {
    model_.notes.push_back("sliding_window " + std::to_string(window) +
                           " is not applied: the llama architecture of GGUF has none");
  }
}

void Reader::read_latent_attention() {
  AttentionSpec& a = spec_.attention;
  constexpr int kMaxHeadDim = 1 << 14;
  a.kind = AttentionSpec::Kind::kLatent;
  a.heads = a.kv_heads = size("attention.head_count", kMaxHeads);
  a.q_lora_rank = count_or("attention.q_lora_rank", 0);
  a.kv_lora_rank = size("attention.kv_lora_rank");
  a.rope_dim = size("rope.dimension_count", kMaxHeadDim);
  // Newer files say the latent's sizes in key_length and value_length, and the heads' own in *_mla.
  const bool newer = metadata_.has(key("attention.key_length_mla"));
  a.head_dim = size(newer ? "attention.key_length_mla" : "attention.key_length", kMaxHeadDim);
  a.v_head_dim = size(newer ? "attention.value_length_mla" : "attention.value_length", kMaxHeadDim);
  a.nope_dim = a.head_dim - a.rope_dim;
  if (a.nope_dim < 1) refuse("'" + key("rope.dimension_count") + "' leaves nothing of a head");
  read_rope(a.rope_dim);
  a.rope.pairing = RopeSpec::Pairing::kAdjacent;
  a.softmax_scale = 1.0 / std::sqrt(static_cast<double>(a.head_dim));
  if (a.rope.scaling == RopeSpec::Scaling::kYarn) {
    // yarn_log_multiplier is 0.1 * mscale_all_dim; cos and sin keep their size, as in the checkpoints it comes from.
    const double m = 1.0 + real_or("rope.scaling.yarn_log_multiplier", 0) * std::log(a.rope.factor);
    a.softmax_scale *= m * m;
    a.rope.cos_sin_scale = 1.0;
  }
}

void Reader::read_rope(int dims) {
  RopeSpec& rope = spec_.attention.rope;
  if (dims % 2 != 0) refuse("'" + key("rope.dimension_count") + "' is odd");
  rope.dims = dims;
  rope.theta = positive_or("rope.freq_base", 10000.0);
  const std::string type = metadata_.text(key("rope.scaling.type")).value_or("none");
  const double factor = real_or("rope.scaling.factor", real_or("rope.scale_linear", 0));
  if (type == "linear" || (type == "none" && !metadata_.has(key("rope.scaling.type")) && factor > 0 && factor != 1)) {
    rope.scaling = RopeSpec::Scaling::kLinear;
    rope.factor = factor;
  } else if (type == "yarn") {
    rope.scaling = RopeSpec::Scaling::kYarn;
    rope.factor = factor;
    rope.original_context = size_or("rope.scaling.original_context_length", static_cast<int>(spec_.context), INT32_MAX);
    rope.beta_fast = positive_or("rope.scaling.yarn_beta_fast", 32);
    rope.beta_slow = positive_or("rope.scaling.yarn_beta_slow", 1);
    // The published configuration says `truncate: false`; GGUF has no key for it.
    rope.truncate = !arch_is("gpt-oss");
    const double attention = real_or("rope.scaling.yarn_attn_factor", real_or("rope.scaling.attn_factor", 1));
    rope.cos_sin_scale = attention * (factor > 1 ? 1.0 + 0.1 * std::log(factor) : 1.0);
    if (const double ext = real_or("rope.scaling.yarn_ext_factor", 1); ext != 1 && ext != -1)
      refuse("'" + key("rope.scaling.yarn_ext_factor") + "' is not 1, which is not supported");
  } else if (type != "none") {
    refuse("'" + key("rope.scaling.type") + "' is \"" + type +
           "\", which is not supported; known are none, linear, yarn");
  }
  if (rope.scaling != RopeSpec::Scaling::kNone && !(rope.factor > 0))
    refuse("'" + key("rope.scaling.factor") + "' is missing or not positive");
}

/// Llama 3's scaling is stored as its result: one divisor per frequency.
void Reader::read_rope_factors() {
  const auto found = tensors_.find("rope_freqs.weight");
  if (found == tensors_.end()) return;
  RopeSpec& rope = spec_.attention.rope;
  const Tensor& tensor = found->second;
  const std::string name = tensor.file + ": tensor 'rope_freqs.weight'";
  if (tensor.known != DataType::kF32 || tensor.shape != std::vector<std::int64_t>{rope.dims / 2}) {
    throw Error(ErrorKind::kBadInput, name,
                "is " + tensor.type + " " + shape_text(tensor.shape) + ", expected F32 [" +
                    std::to_string(rope.dims / 2) + "]");
  }
  rope.factors.resize(static_cast<std::size_t>(rope.dims / 2));
  dequantize(DataType::kF32, tensor.data.data(), rope.dims / 2, rope.factors.data());
  for (float factor : rope.factors)
    if (!std::isfinite(factor) || factor == 0) throw Error(ErrorKind::kBadInput, name, "holds what is no divisor");
}

void Reader::read_mlps() {
  const int experts = count_or("expert_count", 0);
  if (experts > 0) read_router(experts);
  const auto dense = static_cast<std::size_t>(arch_is("deepseek2") ? count_or("leading_dense_block_count", 0) : 0);
  const bool any_sparse = experts > 0 && dense < spec_.layers.size();
  if (!any_sparse && (arch_is("gpt-oss") || arch_is("olmoe") || arch_is("qwen2moe") || arch_is("qwen3moe")))
    refuse("'" + key("expert_count") + "' is missing or 0");
  int expert_width = 0, shared_width = 0;
  if (any_sparse) {
    expert_width = metadata_.has(key("expert_feed_forward_length")) ? size("expert_feed_forward_length", 1 << 20)
                                                                    : size("feed_forward_length", 1 << 20);
    if (arch_is("qwen2moe")) shared_width = size("expert_shared_feed_forward_length");
    if (arch_is("deepseek2")) {
      const int shared = count_or("expert_shared_count", 0);
      if (shared > 256) refuse("'" + key("expert_shared_count") + "' is " + std::to_string(shared));
      shared_width = expert_width * shared;
    }
  }
  for (std::size_t i = 0; i < spec_.layers.size(); ++i) {
    if (any_sparse && i >= dense) {
      spec_.layers[i].mlp = {
          .width = expert_width, .shared_width = shared_width, .shared_gate = arch_is("qwen2moe"), .sparse = true};
    } else {
      spec_.layers[i].mlp = {.width = size("feed_forward_length")};
    }
  }
  if (arch_is("gpt-oss")) {
    spec_.activation = Activation::kGptOss;
    spec_.swiglu_limit = 7.0;  // of the published models; GGUF has no key for it
  }
}

void Reader::read_router(int experts) {
  RouterSpec& router = spec_.router;
  if (experts > kMaxExperts) refuse("'" + key("expert_count") + "' is " + std::to_string(experts));
  router.experts = experts;
  router.top_k = size("expert_used_count", experts);
  if (arch_is("gpt-oss")) router.score = RouterSpec::Score::kSoftmaxOfChosen;
  router.normalise = arch_is("llama") || arch_is("qwen3moe");  // llama: Mixtral
  if (arch_is("deepseek2")) read_deepseek_router();
}

void Reader::read_deepseek_router() {
  RouterSpec& router = spec_.router;
  const std::int64_t gating = metadata_.integer(key("expert_gating_func")).value_or(1);  // absent in V2's older files
  if (gating != 1 && gating != 2) refuse("'" + key("expert_gating_func") + "' is " + std::to_string(gating));
  const bool sigmoid = gating == 2;
  router.score = sigmoid ? RouterSpec::Score::kSigmoid : RouterSpec::Score::kSoftmax;
  router.normalise = metadata_.boolean(key("expert_weights_norm")).value_or(false);
  router.scale = positive_or("expert_weights_scale", 1.0);
  router.groups = size_or("expert_group_count", 1, router.experts);
  router.top_groups = size_or("expert_group_used_count", 1, router.groups);
  if (router.groups <= 1) {
    if (!metadata_.has(key("expert_group_count")) && router.experts > 64)
      model_.notes.push_back("the file does not say groups of experts: the router chooses among all of them");
    return;
  }
  router.grouping = sigmoid ? RouterSpec::Groups::kSumOfBestTwo : RouterSpec::Groups::kBest;
  const int per_group = router.experts / router.groups;
  if (router.experts % router.groups != 0 || (sigmoid && per_group < 2) || router.top_k > router.top_groups * per_group)
    refuse("'" + key("expert_group_count") + "' and expert_group_used_count do not fit the number of experts");
}

}  // namespace

GgufModel read_gguf_spec(const GgufMetadata& metadata, const TensorTable& tensors, const std::string& where) {
  return Reader(metadata, tensors, where).read();
}

}  // namespace candor::model

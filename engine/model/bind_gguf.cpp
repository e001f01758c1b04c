#include "engine/model/bind.h"

namespace candor::model {
namespace {

class GgufBinder {
 public:
  GgufBinder(const ModelSpec& spec, CheckpointBuilder& builder) : spec_(spec), builder_(builder) {}

  Weights bind() {
    weights_.embedding = builder_.matrix("token_embd.weight", spec_.vocab_size, spec_.hidden);
    weights_.final_norm = builder_.vector("output_norm.weight", spec_.hidden);
    if (!spec_.tied) weights_.head = builder_.matrix("output.weight", spec_.vocab_size, spec_.hidden);
    if (builder_.has("rope_freqs.weight")) builder_.vector("rope_freqs.weight", spec_.attention.rope.dims / 2);
    for (std::size_t i = 0; i < spec_.layers.size(); ++i) {
      prefix_ = "blk." + std::to_string(i) + ".";
      weights_.layers.push_back(layer(spec_.layers[i].mlp));
    }
    return std::move(weights_);
  }

 private:
  bool is(std::string_view architecture) const { return spec_.family == architecture; }
  bool qwen2() const { return is("qwen2") || is("qwen2moe"); }

  StoredMatrix matrix(const std::string& rest, std::int64_t rows, std::int64_t cols) {
    return builder_.matrix(prefix_ + rest + ".weight", rows, cols);
  }
  StoredMatrix vector(const std::string& rest, std::int64_t size) { return builder_.vector(prefix_ + rest, size); }
  /// Absent where the file has none and the architecture does not demand it.
  StoredMatrix bias(const std::string& rest, std::int64_t size, bool demanded) {
    const std::string name = prefix_ + rest + ".bias";
    return demanded || builder_.has(name) ? builder_.vector(name, size) : StoredMatrix();
  }

  LayerWeights layer(const MlpSpec& mlp) {
    LayerWeights out;
    out.attention_norm = vector("attn_norm.weight", spec_.hidden);
    out.mlp_norm = vector(is("gpt-oss") ? "post_attention_norm.weight" : "ffn_norm.weight", spec_.hidden);
    if (spec_.attention.kind == AttentionSpec::Kind::kGrouped) {
      grouped_attention(out);
    } else {
      latent_attention(out);
    }
    if (mlp.sparse) {
      sparse_mlp(out, mlp);
    } else {
      out.mlp = dense_mlp("", mlp.width);
    }
    return out;
  }

  void grouped_attention(LayerWeights& out) {
    const AttentionSpec& a = spec_.attention;
    const std::int64_t q_rows = std::int64_t{a.heads} * a.head_dim, kv_rows = std::int64_t{a.kv_heads} * a.head_dim;
    const bool demanded = qwen2() || is("gpt-oss");
    out.q = matrix("attn_q", q_rows, spec_.hidden);
    out.k = matrix("attn_k", kv_rows, spec_.hidden);
    out.v = matrix("attn_v", kv_rows, spec_.hidden);
    out.o = matrix("attn_output", spec_.hidden, q_rows);
    out.q_bias = bias("attn_q", q_rows, demanded);
    out.k_bias = bias("attn_k", kv_rows, demanded);
    out.v_bias = bias("attn_v", kv_rows, demanded);
    out.o_bias = bias("attn_output", spec_.hidden, is("gpt-oss"));
    if (a.qk_norm != AttentionSpec::QkNorm::kNone) {
      const bool whole = a.qk_norm == AttentionSpec::QkNorm::kWhole;
      out.q_norm = vector("attn_q_norm.weight", whole ? q_rows : a.head_dim);
      out.k_norm = vector("attn_k_norm.weight", whole ? kv_rows : a.head_dim);
    }
    if (a.sinks) out.sinks = vector("attn_sinks.weight", a.heads);
  }

  void latent_attention(LayerWeights& out) {
    const AttentionSpec& a = spec_.attention;
    const std::int64_t q_rows = std::int64_t{a.heads} * a.head_dim;
    if (a.q_lora_rank > 0) {
      out.q_a = matrix("attn_q_a", a.q_lora_rank, spec_.hidden);
      out.q_a_norm = vector("attn_q_a_norm.weight", a.q_lora_rank);
      out.q_b = matrix("attn_q_b", q_rows, a.q_lora_rank);
    } else {
      out.q = matrix("attn_q", q_rows, spec_.hidden);
    }
    out.kv_a = matrix("attn_kv_a_mqa", a.kv_lora_rank + a.rope_dim, spec_.hidden);
    out.kv_a_norm = vector("attn_kv_a_norm.weight", a.kv_lora_rank);
    if (builder_.has(prefix_ + "attn_kv_b.weight")) {
      out.kv_b = matrix("attn_kv_b", std::int64_t{a.heads} * (a.nope_dim + a.v_head_dim), a.kv_lora_rank);
    } else {
      out.kv_b = builder_.split_latent(prefix_ + "attn_k_b.weight", prefix_ + "attn_v_b.weight", a, weights_);
    }
    out.o = matrix("attn_output", spec_.hidden, std::int64_t{a.heads} * a.v_head_dim);
  }

  /// @param kind  "" or "_shexp": ffn_gate, ffn_gate_shexp.
  ExpertWeights dense_mlp(const std::string& kind, int width) {
    ExpertWeights out;
    out.gate = matrix("ffn_gate" + kind, width, spec_.hidden);
    out.up = matrix("ffn_up" + kind, width, spec_.hidden);
    out.down = matrix("ffn_down" + kind, spec_.hidden, width);
    out.gate_bias = bias("ffn_gate" + kind, width, false);
    out.up_bias = bias("ffn_up" + kind, width, false);
    out.down_bias = bias("ffn_down" + kind, spec_.hidden, false);
    return out;
  }

  void sparse_mlp(LayerWeights& out, const MlpSpec& mlp) {
    const int experts = spec_.router.experts;
    out.router = matrix("ffn_gate_inp", experts, spec_.hidden);
    if (is("gpt-oss")) {
      out.router_bias = vector("ffn_gate_inp.bias", experts);
    } else if (spec_.router.score == RouterSpec::Score::kSigmoid) {
      out.router_bias = correction_bias(experts);
    }
    const bool together =
        builder_.has(prefix_ + "ffn_gate_exps.weight") || !builder_.has(prefix_ + "ffn_gate.0.weight");
    for (int e = 0; e < experts; ++e)
      out.experts.push_back(together ? expert_of_all(e, mlp.width) : expert_alone(e, mlp.width));
    if (mlp.shared_width > 0) out.shared = dense_mlp("_shexp", mlp.shared_width);
    if (mlp.shared_gate) out.shared_gate = matrix("ffn_gate_inp_shexp", 1, spec_.hidden);
  }

  /// V3's is "exp_probs_b.bias"; models with a sigmoid and no bias have none.
  StoredMatrix correction_bias(int experts) {
    for (const char* name : {"exp_probs_b.bias", "exp_probs_b.weight", "exp_probs_b"})
      if (builder_.has(prefix_ + name)) return vector(name, experts);
    return {};
  }

  ExpertWeights expert_of_all(int expert, int width) {
    const Slice where{.part = expert, .parts = spec_.router.experts};
    const auto slice = [&](const std::string& rest, int rows, int cols) {
      return builder_.slice(prefix_ + rest + ".weight", where, rows, cols);
    };
    const auto bias_slice = [&](const std::string& rest, int size) {
      const std::string name = prefix_ + rest + ".bias";
      return is("gpt-oss") || builder_.has(name) ? builder_.vector_slice(name, where, size) : StoredMatrix();
    };
    ExpertWeights out;
    out.gate = slice("ffn_gate_exps", width, spec_.hidden);
    out.up = slice("ffn_up_exps", width, spec_.hidden);
    out.down = slice("ffn_down_exps", spec_.hidden, width);
    out.gate_bias = bias_slice("ffn_gate_exps", width);
    out.up_bias = bias_slice("ffn_up_exps", width);
    out.down_bias = bias_slice("ffn_down_exps", spec_.hidden);
    return out;
  }

  /// As early Mixtral files have them: blk.0.ffn_gate.3.weight.
  ExpertWeights expert_alone(int expert, int width) {
    const std::string number = "." + std::to_string(expert);
    ExpertWeights out;
    out.gate = matrix("ffn_gate" + number, width, spec_.hidden);
    out.up = matrix("ffn_up" + number, width, spec_.hidden);
    out.down = matrix("ffn_down" + number, spec_.hidden, width);
    return out;
  }

  const ModelSpec& spec_;
  CheckpointBuilder& builder_;
  Weights weights_;
  std::string prefix_;
};

}  // namespace

Weights bind_gguf(const ModelSpec& spec, CheckpointBuilder& builder) {
  return GgufBinder(spec, builder).bind();
}

}  // namespace candor::model

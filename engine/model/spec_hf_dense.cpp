// llama, mistral, qwen2, qwen3 (transformers' modeling files of those names).
#include "engine/model/hf_config.h"

namespace candor::model {
namespace {

/// Qwen: the window counts only with use_sliding_window, from layer max_window_layers on.
void read_qwen_windows(const HfConfig& config, HfModel& model) {
  std::optional<int> window;
  if (config.flag_or("use_sliding_window", false)) window = config.size_or("sliding_window", 4096);
  const auto first = static_cast<std::size_t>(config.count_or("max_window_layers", 28));
  std::vector<bool> sliding(model.spec.layers.size());
  for (std::size_t i = 0; i < sliding.size(); ++i) sliding[i] = window && i >= first;
  read_windows(config, model, window, sliding);
}

/// Mistral: a window that is not null counts, in every layer.
void read_mistral_windows(const HfConfig& config, HfModel& model, bool stated) {
  if (stated && config.find("sliding_window") == nullptr) return;
  const int window = config.size_or("sliding_window", 4096);  // MistralConfig's default
  for (LayerSpec& layer : model.spec.layers) layer.window = window;
}

}  // namespace

void read_dense_family(const HfConfig& config, HfModel& model) {
  const std::string& family = model.spec.family;
  read_grouped_attention(config, model, family == "qwen3" ? 128 : 0, 10000.0);
  read_activation(config, model.spec);
  const int width = config.size("intermediate_size");
  for (LayerSpec& layer : model.spec.layers) layer.mlp.width = width;

  if (family == "llama") {
    model.layout.qkv_bias = model.layout.o_bias = config.flag_or("attention_bias", false);
    model.layout.mlp_bias = config.flag_or("mlp_bias", false);
  } else if (family == "qwen2") {
    model.layout.qkv_bias = true;
    read_qwen_windows(config, model);
  } else if (family == "qwen3") {
    model.layout.qkv_bias = model.layout.o_bias = config.flag_or("attention_bias", false);
    model.spec.attention.qk_norm = AttentionSpec::QkNorm::kPerHead;
    read_qwen_windows(config, model);
  } else {
    read_mistral_windows(config, model, config.states("sliding_window"));
  }
}

}  // namespace candor::model

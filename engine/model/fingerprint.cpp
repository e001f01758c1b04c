#include "engine/model/fingerprint.h"

#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <type_traits>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"

namespace candor::model {
namespace {

// Part of every cache key: a fingerprint made by another rule is not found.
constexpr std::string_view kRule = "candor fingerprint 1";

std::string text_of(double value) {
  return to_json(Value(value));
}
template <class T>
requires(std::is_integral_v<T> || std::is_enum_v<T>) std::string text_of(T value) {
  return std::to_string(static_cast<std::int64_t>(value));
}

/// "name value value …\n"
template <class... T>
void line(std::string& out, std::string_view name, const T&... values) {
  out += name;
  ((out += ' ', out += text_of(values)), ...);
  out += '\n';
}

/// Everything of the spec that a forward pass or the end of a generation depends on, in one fixed form.
std::string canonical(const ModelSpec& spec) {
  const AttentionSpec& a = spec.attention;
  const RopeSpec& r = a.rope;
  const RouterSpec& m = spec.router;
  std::string out;
  line(out, "model", spec.vocab_size, spec.hidden, spec.context, spec.norm_epsilon, spec.latent_norm_epsilon, spec.tied,
       spec.activation, spec.swiglu_limit);
  line(out, "attention", a.kind, a.heads, a.kv_heads, a.head_dim, a.v_head_dim, a.softmax_scale, a.qk_norm,
       a.clip_qkv.has_value(), a.clip_qkv.value_or(0), a.sinks, a.q_lora_rank, a.kv_lora_rank, a.nope_dim, a.rope_dim);
  line(out, "rope", r.dims, r.theta, r.pairing, r.scaling, r.factor, r.original_context, r.low_freq_factor,
       r.high_freq_factor, r.beta_fast, r.beta_slow, r.truncate, r.cos_sin_scale);
  for (float factor : r.factors) line(out, "factor", static_cast<double>(factor));
  line(out, "router", m.experts, m.top_k, m.score, m.normalise, m.scale, m.grouping, m.groups, m.top_groups);
  for (const LayerSpec& layer : spec.layers) {
    line(out, "layer", layer.mlp.width, layer.mlp.shared_width, layer.mlp.shared_gate, layer.mlp.sparse, layer.window);
  }
  for (std::int32_t id : spec.eos) line(out, "eos", id);
  line(out, "bos", spec.bos.value_or(-1));
  return out;
}

/// With its length in front, so that no two lists of parts make the same bytes.
void add(Sha256& hash, std::string_view text) {
  hash.add(std::to_string(text.size()) + ":").add(text);
}

std::string cache_folder() {
  namespace fs = std::filesystem;
  if (const char* cache = std::getenv("XDG_CACHE_HOME"); cache != nullptr && *cache == '/')
    return (fs::path(cache) / "candor" / "fingerprints").string();
  if (const char* home = std::getenv("HOME"); home != nullptr && *home != '\0')
    return (fs::path(home) / ".cache" / "candor" / "fingerprints").string();
  return {};
}

}  // namespace

std::string compute_fingerprint(const FingerprintParts& parts) {
  Sha256 hash;
  add(hash, kRule);
  add(hash, canonical(parts.spec));
  for (const auto& [name, tensor] : parts.tensors) {
    if (!parts.used.contains(name)) continue;
    add(hash, name);
    add(hash, tensor.type + shape_text(tensor.shape));
    hash.add(tensor.data);
  }
  for (const auto& [label, bytes] : parts.companions) {
    add(hash, label);
    add(hash, bytes);
  }
  return hash.hex();
}

FingerprintCache::FingerprintCache(const std::vector<std::string>& files) {
  const std::string folder = cache_folder();
  if (folder.empty()) return;
  std::string key(kRule);
  for (const std::string& file : files) {
    std::error_code error;
    const std::string real = std::filesystem::canonical(file, error).string();
    struct stat status {};
    if (error || ::stat(real.c_str(), &status) != 0) return;
    const std::int64_t time_ns =
        std::int64_t{status.st_mtim.tv_sec} * 1'000'000'000 + std::int64_t{status.st_mtim.tv_nsec};
    key += "\n" + real + "\n" + std::to_string(status.st_size) + "\n" + std::to_string(time_ns);
  }
  path_ = (std::filesystem::path(folder) / sha256(key)).string();
}

std::string FingerprintCache::find() const {
  constexpr std::size_t kDigits = 64;
  std::error_code error;
  if (path_.empty() || std::filesystem::file_size(path_, error) != kDigits || error) return {};
  try {
    std::string kept = read_file(path_, kDigits);
    return kept.find_first_not_of("0123456789abcdef") == std::string::npos && kept.size() == kDigits ? kept : "";
  } catch (const Error&) {
    return {};  // unreadable: as good as not there
  }
}

void FingerprintCache::keep(const std::string& fingerprint) const {
  if (path_.empty()) return;
  std::error_code error;
  std::filesystem::create_directories(std::filesystem::path(path_).parent_path(), error);
  if (error) return;
  try {
    write_file(path_, fingerprint);
  } catch (const Error&) {
    return;  // a full disk or a read-only home must not stop an evaluation
  }
}

}  // namespace candor::model

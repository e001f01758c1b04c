#include <fmt/format.h>

#include "base/file.h"
#include "engine/model/model.h"
#include "harness/command.h"
#include "harness/options.h"
#include "harness/output.h"
#include "harness/progress.h"

namespace candor::harness {
namespace {

using model::AttentionSpec;
using model::ModelSpec;

std::string attention_text(const AttentionSpec& attention) {
  if (attention.kind == AttentionSpec::Kind::kLatent)
    return fmt::format("latent: {} heads, kv rank {}, q rank {}, head {} + {} (rope), values {}", attention.heads,
                       attention.kv_lora_rank, attention.q_lora_rank, attention.nope_dim, attention.rope_dim,
                       attention.v_head_dim);
  return fmt::format("grouped: {} heads, {} key-value heads of {}", attention.heads, attention.kv_heads,
                     attention.head_dim);
}

std::string experts_text(const ModelSpec& spec) {
  if (spec.router.experts == 0) return "none";
  return fmt::format("{}, {} active per token", spec.router.experts, spec.router.top_k);
}

std::string types_text(const model::TensorGroup& group) {
  std::string text;
  for (const auto& [type, elements] : group.elements)
    text += (text.empty() ? "" : ", ") + std::string(model::type_name(type)) + " " + with_commas(elements);
  return text;
}

Value describe(const std::string& path, const model::Checkpoint& checkpoint) {
  const ModelSpec& spec = checkpoint.spec();
  const std::optional<std::string> chat = checkpoint.chat_template();
  Value::List groups, notes;
  for (const model::TensorGroup& group : checkpoint.groups()) {
    Dict types;
    for (const auto& [type, elements] : group.elements)
      types.set(std::string(model::type_name(type)), static_cast<std::int64_t>(elements));
    groups.emplace_back(Dict{{"role", group.role}, {"elements", std::move(types)}});
  }
  for (const std::string& note : checkpoint.notes()) notes.emplace_back(note);
  const bool latent = spec.attention.kind == AttentionSpec::Kind::kLatent;
  return Dict{{"path", path},
              {"name", spec.name},
              {"family", spec.family},
              {"parameters", static_cast<std::int64_t>(checkpoint.total_parameters())},
              {"active_parameters", static_cast<std::int64_t>(checkpoint.active_parameters())},
              {"stored_bytes", static_cast<std::int64_t>(checkpoint.stored_bytes())},
              {"layers", spec.layers.size()},
              {"hidden", spec.hidden},
              {"vocab_size", spec.vocab_size},
              {"context", spec.context},
              {"tied", spec.tied},
              {"attention", Dict{{"kind", latent ? "latent" : "grouped"},
                                 {"heads", spec.attention.heads},
                                 {"kv_heads", spec.attention.kv_heads},
                                 {"head_dim", spec.attention.head_dim},
                                 {"kv_lora_rank", spec.attention.kv_lora_rank},
                                 {"q_lora_rank", spec.attention.q_lora_rank}}},
              {"experts", spec.router.experts},
              {"experts_per_token", spec.router.top_k},
              {"tensors", std::move(groups)},
              {"tokenizer", checkpoint.tokenizer().description()},
              {"chat_template_sha256", chat ? Value(sha256(*chat)) : Value()},
              {"fingerprint", checkpoint.fingerprint()},
              {"notes", std::move(notes)}};
}

std::string table(const std::string& path, const model::Checkpoint& checkpoint) {
  const ModelSpec& spec = checkpoint.spec();
  std::string text;
  const auto row = [&](std::string_view name, const std::string& value) {
    text += fmt::format("{:<16}{}\n", name, value);
  };
  row("path", path);
  row("name", spec.name);
  row("family", spec.family);
  row("parameters",
      with_commas(checkpoint.total_parameters()) +
          (spec.router.experts > 0 ? ", " + with_commas(checkpoint.active_parameters()) + " active per token" : ""));
  row("stored", fmt::format("{:.1f} MB", static_cast<double>(checkpoint.stored_bytes()) / 1e6));
  row("layers", fmt::format("{} of width {}", spec.layers.size(), spec.hidden));
  row("attention", attention_text(spec.attention));
  row("experts", experts_text(spec));
  row("context", with_commas(static_cast<std::uint64_t>(spec.context)) + " tokens");
  row("vocabulary", with_commas(static_cast<std::uint64_t>(spec.vocab_size)) + (spec.tied ? ", tied head" : ""));
  for (const model::TensorGroup& group : checkpoint.groups()) row("  " + group.role, types_text(group));
  row("tokenizer", checkpoint.tokenizer().description());
  const std::optional<std::string> chat = checkpoint.chat_template();
  row("chat template", chat ? "SHA-256 " + sha256(*chat) : "none");
  row("fingerprint", checkpoint.fingerprint());
  for (const std::string& note : checkpoint.notes()) row("note", note);
  return text;
}

class InfoCommand final : public Command {
 public:
  void declare(Arguments& arguments) override {
    arguments.add(
        {.names = "model", .help = "GGUF file, Hugging Face folder, or smollm2", .value = "MODEL", .required = true},
        name_);
    arguments.flag({.names = "--json", .help = "JSON instead of a table"}, json_);
  }

  int run() override {
    const std::string path = model_path(name_);
    const model::Checkpoint checkpoint(path);
    Output output;
    if (json_)
      output.json_line(describe(path, checkpoint));
    else
      output.write(table(path, checkpoint));
    output.close();
    return 0;
  }

 private:
  std::string name_;
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Command> make_info_command() {
  return std::make_unique<InfoCommand>();
}

}  // namespace candor::harness

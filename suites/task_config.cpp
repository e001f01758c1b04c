#include "suites/task_config.h"

#include <algorithm>
#include <array>

#include "base/error.h"
#include "base/fields.h"
#include "suites/metrics.h"

namespace candor::suites {
namespace {

// TaskConfig of lm_eval/config/task.py, and the three that are dropped before it is made.
const std::vector<std::string>& known_keys() {
  static const std::vector<std::string> keys{"task",
                                             "task_alias",
                                             "tag",
                                             "group",
                                             "task_list",
                                             "dataset_path",
                                             "dataset_name",
                                             "dataset_kwargs",
                                             "training_split",
                                             "validation_split",
                                             "test_split",
                                             "fewshot_split",
                                             "doc_to_text",
                                             "doc_to_target",
                                             "doc_to_choice",
                                             "description",
                                             "target_delimiter",
                                             "fewshot_delimiter",
                                             "fewshot_config",
                                             "num_fewshot",
                                             "metric_list",
                                             "output_type",
                                             "generation_kwargs",
                                             "repeats",
                                             "filter_list",
                                             "should_decontaminate",
                                             "doc_to_decontamination_query",
                                             "gen_prefix",
                                             "metadata",
                                             "process_docs",
                                             "process_results",
                                             "custom_dataset",
                                             "doc_to_image",
                                             "doc_to_audio",
                                             "use_prompt",
                                             "unsafe_code"};
  return keys;
}

constexpr std::array<const char*, 7> kRefused{"process_docs", "process_results", "custom_dataset", "doc_to_image",
                                              "doc_to_audio", "use_prompt",      "unsafe_code"};
constexpr std::array<const char*, 4> kIgnored{"metadata", "task_alias", "should_decontaminate",
                                              "doc_to_decontamination_query"};

class Reader {
 public:
  explicit Reader(const TaskFile& file) : file_(file) {}

  TaskConfig read() {
    check_task_keys(file_);
    refuse();
    TaskConfig config;
    config.task = text("task").value_or("");
    if (config.task.empty()) throw error("task", "a task needs a name");
    config.file = file_.path;
    config.shipped = file_.shipped;
    config.dataset_path = text("dataset_path").value_or("");
    if (config.dataset_path.empty())
      throw error("task", "task '" + config.task + "' has no dataset_path", "set dataset_path: json and data_files");
    config.dataset_name = text("dataset_name").value_or("");
    config.dataset_kwargs = of_kind("dataset_kwargs", Value::Kind::kDict);
    config.training_split = text("training_split");
    config.validation_split = text("validation_split");
    config.test_split = text("test_split");
    if (!config.test_split && !config.validation_split)
      throw error("task", "task '" + config.task + "' has neither test_split nor validation_split");
    config.output_type = output_type();
    config.format = formatting();
    config.description = text("description").value_or("");
    fewshot(config);
    if (const Value* value = find("num_fewshot")) config.num_fewshot = count(*value, "num_fewshot", 0);
    if (const Value* value = find("repeats")) config.repeats = count(*value, "repeats", 1);
    config.generation_kwargs = generation_kwargs(config);
    filters(config);
    metrics(config);
    return config;
  }

 private:
  Error error(const std::string& key, const std::string& what, const std::string& remedy = {}) const {
    return Error(ErrorKind::kBadInput, file_.place(key), what, remedy);
  }

  const Value* find(const std::string& key) const {
    const Value* value = file_.keys.find(key);
    return value == nullptr || value->is_null() ? nullptr : value;
  }

  void refuse() const {
    if (file_.keys.find("class") != nullptr)
      throw error("class", "the task is a Python class", "only tasks written in YAML can be run");
    for (const Member& member : file_.keys) {
      if (std::ranges::find(kIgnored, member.key) != kIgnored.end()) continue;
      if (const std::string name = function_in(member.value); !name.empty())
        throw error(member.key, "'" + member.key + "' calls the Python function " + name,
                    "write it as a template, or prepare the data beforehand");
    }
    for (const char* key : kRefused) {
      const Value* value = find(key);
      if (value == nullptr || (value->is_bool() && !value->boolean())) continue;
      throw error(key, std::string("'") + key + "' is not supported");
    }
  }

  std::optional<std::string> text(const std::string& key) const {
    const Value* value = find(key);
    if (value == nullptr) return std::nullopt;
    if (!value->is_text())
      throw error(key, "'" + key + "' must be text, found " + std::string(kind_name(value->kind())),
                  "put it in quotes");
    return value->text();
  }

  Value of_kind(const std::string& key, Value::Kind kind) const {
    const Value* value = find(key);
    if (value == nullptr) return {};
    if (value->kind() != kind)
      throw error(key, "'" + key + "' must be " + std::string(kind_name(kind)) + ", found " +
                           std::string(kind_name(value->kind())));
    return *value;
  }

  std::int64_t count(const Value& value, const std::string& key, std::int64_t least) const {
    if (!value.is_integer() || value.integer() < least || value.integer() > 1'000'000)
      throw error(key, "'" + key + "' must be a whole number from " + std::to_string(least));
    return value.integer();
  }

  OutputType output_type() const {
    const std::string name = text("output_type").value_or("generate_until");
    std::vector<std::string> known;
    for (const OutputType type : {OutputType::kGenerateUntil, OutputType::kMultipleChoice, OutputType::kLoglikelihood,
                                  OutputType::kLoglikelihoodRolling}) {
      if (output_type_name(type) == name) return type;
      known.emplace_back(output_type_name(type));
    }
    const std::string near = nearest(name, known);
    throw error("output_type", "output_type '" + name + "' is not known",
                near.empty() ? "one of generate_until, multiple_choice, loglikelihood, loglikelihood_rolling"
                             : "did you mean '" + near + "'?");
  }

  void check_template(const std::string& key, const Value& value) const {
    const bool is_target = key.ends_with("doc_to_target"), is_choice = key.ends_with("doc_to_choice");
    if (value.is_null() || value.is_text()) return;
    if (!is_choice && (value.is_integer() || value.is_bool())) return;
    if (is_target && value.is_list()) return;
    if (is_choice && (value.is_list() || value.is_dict())) return;
    throw error(key, "'" + key + "' cannot be " + std::string(kind_name(value.kind())));
  }

  Value any(const std::string& key) const {
    const Value* value = find(key);
    if (value == nullptr) return {};
    check_template(key, *value);
    return *value;
  }

  Formatting formatting() const {
    Formatting format;
    format.doc_to_text = any("doc_to_text");
    format.doc_to_target = any("doc_to_target");
    format.doc_to_choice = any("doc_to_choice");
    format.gen_prefix = text("gen_prefix").value_or("");
    format.target_delimiter = text("target_delimiter").value_or(" ");
    format.fewshot_delimiter = text("fewshot_delimiter").value_or("\n\n");
    return format;
  }

  void fewshot(TaskConfig& config) const {
    config.fewshot_format = config.format;
    config.fewshot_split = text("fewshot_split");
    const Value* value = find("fewshot_config");
    if (value == nullptr) return;
    Fields fields(*value, file_.place("fewshot_config") + ": fewshot_config");
    config.fewshot_sampler = fields.optional_text("sampler").value_or("default");
    if (config.fewshot_sampler != "default" && config.fewshot_sampler != "first_n")
      throw Error(ErrorKind::kBadInput, fields.where(), "sampler '" + config.fewshot_sampler + "' is not known",
                  "one of default, first_n");
    if (fields.has("split")) config.fewshot_split = fields.text("split");
    for (const char* key : {"fewshot_indices", "process_docs"})
      if (fields.has(key))
        throw Error(ErrorKind::kBadInput, fields.where(), std::string("'") + key + "' is not supported",
                    key == std::string("fewshot_indices") ? "lm-evaluation-harness reads it and never uses it" : "");
    for (const char* key : {"fewshot_indices", "process_docs"}) fields.ignore(key);
    if (const Value* samples = fields.optional_list("samples")) {
      for (const Value& sample : samples->list())
        if (!sample.is_dict()) throw Error(ErrorKind::kBadInput, fields.where(), "each of 'samples' must be an object");
      config.fewshot_samples = samples->list();
    }
    Formatting& format = config.fewshot_format;
    for (const auto& [key, target] :
         {std::pair{"doc_to_text", &format.doc_to_text}, std::pair{"doc_to_choice", &format.doc_to_choice},
          std::pair{"doc_to_target", &format.doc_to_target}}) {
      const Value* own = fields.optional_any(key);
      if (own == nullptr) continue;
      check_template(key, *own);
      *target = *own;
    }
    if (const auto own = fields.optional_text("gen_prefix")) format.gen_prefix = *own;
    if (const auto own = fields.optional_text("target_delimiter")) format.target_delimiter = *own;
    if (const auto own = fields.optional_text("fewshot_delimiter")) format.fewshot_delimiter = *own;
    fields.finish();
  }

  Value generation_kwargs(const TaskConfig& config) const {
    if (config.output_type != OutputType::kGenerateUntil) return {};
    const Value until = Value::List{Value(config.format.fewshot_delimiter)};
    Value kwargs = of_kind("generation_kwargs", Value::Kind::kDict);
    if (kwargs.is_null())  // lm_eval/defaults.py
      return Dict{{"temperature", 0.0}, {"do_sample", false}, {"max_gen_toks", 256}, {"until", until}};
    if (Value* temperature = kwargs.dict().find("temperature")) {
      if (!temperature->is_number()) throw error("generation_kwargs", "temperature must be a number");
      *temperature = temperature->real();
    }
    if (kwargs.find("until") == nullptr) kwargs.dict().set("until", until);
    return kwargs;
  }

  void filters(TaskConfig& config) const {
    const Value list = of_kind("filter_list", Value::Kind::kList);
    if (list.is_null()) {
      config.filters.push_back({"none", {{"take_first", Dict()}}});
      return;
    }
    for (const Value& entry : list.list()) {
      Fields fields(entry, file_.place("filter_list") + ": filter_list");
      FilterPipeline& pipeline = config.filters.emplace_back();
      pipeline.name = fields.text("name");
      for (const Value& step : fields.list("filter")) {
        const Value* function = step.find("function");
        if (function == nullptr || !function->is_text())
          throw Error(ErrorKind::kBadInput, fields.where(), "each filter needs a 'function'");
        Dict arguments = step.dict();
        arguments.erase("function");
        pipeline.steps.push_back({function->text(), std::move(arguments)});
      }
      fields.finish();
    }
  }

  void metrics(TaskConfig& config) const {
    const Value list = of_kind("metric_list", Value::Kind::kList);
    if (list.is_null()) {
      for (const char* name : default_metrics(config.output_type))
        config.metrics.push_back(
            {name, metric_traits(name)->aggregation, metric_traits(name)->higher_is_better, Dict()});
      return;
    }
    for (const Value& entry : list.list()) {
      const std::string where = file_.place("metric_list") + ": metric_list";
      if (!entry.is_dict()) throw Error(ErrorKind::kBadInput, where, "each metric must be an object");
      Dict arguments = entry.dict();
      for (const char* key : {"metric", "aggregation", "higher_is_better", "hf_evaluate"}) arguments.erase(key);
      Dict rest = entry.dict();
      for (const Member& argument : arguments) rest.erase(argument.key);
      const Value own = rest;
      Fields fields(own, where);
      MetricEntry metric{fields.text("metric"), "", true, std::move(arguments)};
      const MetricTraits& traits = known_metric(metric.metric, where);
      if (fields.optional_boolean("hf_evaluate").value_or(false))
        throw Error(ErrorKind::kBadInput, where,
                    "metric '" + metric.metric + "' of the evaluate package is not supported", "remove hf_evaluate");
      metric.aggregation = fields.optional_text("aggregation").value_or(traits.aggregation);
      metric.higher_is_better = fields.optional_boolean("higher_is_better").value_or(traits.higher_is_better);
      config.metrics.push_back(std::move(metric));
    }
  }

  const TaskFile& file_;
};

}  // namespace

std::string_view output_type_name(OutputType type) {
  switch (type) {
    case OutputType::kGenerateUntil:
      return "generate_until";
    case OutputType::kMultipleChoice:
      return "multiple_choice";
    case OutputType::kLoglikelihood:
      return "loglikelihood";
    case OutputType::kLoglikelihoodRolling:
      return "loglikelihood_rolling";
  }
  return "";
}

void check_task_keys(const TaskFile& file) {
  if (file.keys.find("class") != nullptr) return;  // a Python task: refused when it is asked for
  for (const Member& member : file.keys) {
    if (std::ranges::find(known_keys(), member.key) != known_keys().end()) continue;
    const std::string near = nearest(member.key, known_keys());
    throw Error(ErrorKind::kBadInput, file.place(member.key), "'" + member.key + "' is not a key of a task",
                near.empty() ? "" : "did you mean '" + near + "'?");
  }
}

TaskConfig parse_task_config(const TaskFile& file) {
  return Reader(file).read();
}

}  // namespace candor::suites

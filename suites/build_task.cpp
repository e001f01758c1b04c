#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "engine/text/python.h"
#include "suites/document.h"
#include "suites/fewshot.h"
#include "suites/prompt.h"
#include "suites/task_state.h"

namespace candor::suites {
namespace {

/// Python's list[index]; nothing where it raises.
const std::string* at(const std::vector<std::string>& list, std::int64_t index) {
  const auto size = static_cast<std::int64_t>(list.size());
  if (index < 0) index += size;
  return index < 0 || index >= size ? nullptr : &list[static_cast<std::size_t>(index)];
}

std::vector<std::string> characters(const std::string& text) {
  std::vector<std::string> out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t from = at++;
    while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80) ++at;
    out.push_back(text.substr(from, at - from));
  }
  return out;
}

class Builder {
 public:
  Builder(TaskConfig config, const TaskOptions& options)
      : state_(std::make_unique<Task::State>()), options_(options), config_(state_->config) {
    config_ = std::move(config);
    state_->bootstrap_iterations = options.bootstrap_iterations;
  }

  std::unique_ptr<Task::State> build() {
    prepare_scoring();
    state_->evaluated = load(evaluated_split());
    num_fewshot_ = config_.num_fewshot.value_or(0);
    // A task that says 0 means it: its prompt holds its examples already.
    if (options_.num_fewshot && config_.num_fewshot != 0) num_fewshot_ = *options_.num_fewshot;
    load_pool();
    reader_ = std::make_unique<DocumentReader>(state_->evaluated.columns, config_.has_choices(),
                                               state_->evaluated.text_cells, config_.file);
    look_at_first_document();
    FewshotSampler sampler(*pool_, config_.fewshot_sampler == "first_n", options_.seed, config_.file);
    const std::size_t count = limited(state_->evaluated.rows.size());
    for (std::size_t i = 0; i < count; ++i) build_document(i, sampler);
    write_notes();
    return std::move(state_);
  }

 private:
  bool is(OutputType type) const { return config_.output_type == type; }
  const std::string& evaluated_split() const {
    return config_.test_split ? *config_.test_split : *config_.validation_split;
  }

  void prepare_scoring() {
    const bool generates = is(OutputType::kGenerateUntil);
    for (const MetricEntry& metric : config_.metrics) {
      check_aggregation(metric, config_.file);
      if (!generates) continue;
      if (metric.metric != "exact_match")
        throw Error(ErrorKind::kBadInput, config_.file, "metric '" + metric.metric + "' cannot score generated text",
                    "use exact_match");
      state_->exact_matches.emplace_back(metric.arguments, config_.file);
    }
    for (const FilterPipeline& pipeline : config_.filters) {
      state_->pipelines.push_back({pipeline.name, build_filters(pipeline, config_.file)});
      for (const FilterStep& step : pipeline.steps)
        if (!generates && step.function != "take_first")
          throw Error(ErrorKind::kBadInput, config_.file, "filter '" + step.function + "' works on generated text only",
                      "remove filter_list");
    }
  }

  Split load(const std::string& name) {
    Split split = load_split({.path = config_.dataset_path,
                              .name = config_.dataset_name,
                              .kwargs = config_.dataset_kwargs,
                              .data_dir = options_.data_dir,
                              .shipped = config_.shipped,
                              .where = config_.file},
                             name);
    state_->data_files.insert(state_->data_files.end(), split.files.begin(), split.files.end());
    state_->notes.insert(state_->notes.end(), split.notes.begin(), split.notes.end());
    return split;
  }

  void load_pool() {
    static const std::vector<Dict> kEmpty;
    pool_ = &kEmpty;
    if (num_fewshot_ <= 0) return;
    if (!config_.fewshot_split && config_.fewshot_samples) {
      for (const Value& sample : *config_.fewshot_samples) own_pool_.push_back(sample.dict());
      pool_ = &own_pool_;
      pool_name_ = "fewshot_config.samples";
      return;
    }
    pool_name_ = config_.fewshot_split      ? *config_.fewshot_split
                 : config_.training_split   ? *config_.training_split
                 : config_.validation_split ? *config_.validation_split
                                            : *config_.test_split;
    if (pool_name_ == evaluated_split()) {
      pool_ = &state_->evaluated.rows;
    } else {
      own_pool_ = load(pool_name_).rows;
      pool_ = &own_pool_;
    }
  }

  std::size_t limited(std::size_t rows) const {
    if (!options_.limit) return rows;
    const double limit = *options_.limit;
    const double count = limit < 1.0 ? std::ceil(static_cast<double>(rows) * limit) : std::floor(limit);
    return count >= static_cast<double>(rows) ? rows : static_cast<std::size_t>(std::max(0.0, count));
  }

  DocumentRef evaluated(std::size_t index) const {
    return {state_->evaluated.rows[index], state_->evaluated.name, index};
  }

  /// The first document decides how all are read.
  void look_at_first_document() {
    const DocumentRef first = evaluated(0);
    if (is(OutputType::kMultipleChoice) && !config_.has_choices())
      throw Error(ErrorKind::kBadInput, config_.file, "a multiple_choice task needs doc_to_choice");
    if (config_.format.doc_to_target.is_null())
      throw Error(ErrorKind::kBadInput, config_.file, "the task needs doc_to_target");
    if (!is(OutputType::kLoglikelihoodRolling) && config_.format.doc_to_text.is_null())
      throw Error(ErrorKind::kBadInput, config_.file, "the task needs doc_to_text");
    multiple_inputs_ = config_.has_choices() && !is(OutputType::kLoglikelihoodRolling) &&
                       reader_->text(first, config_.format.doc_to_text).is_integer();
    const Value target = reader_->target(first, config_.format.doc_to_target);
    multiple_targets_ = target.is_list();
    if (is(OutputType::kMultipleChoice) && !multiple_inputs_)
      for (const MetricEntry& metric : config_.metrics)
        if (metric.aggregation == "f1" && reader_->choices(first, config_.format.doc_to_choice).size() > 2)
          throw Error(ErrorKind::kBadInput, config_.file, "f1 is for two classes, the documents have more choices",
                      "use mcc or acc");
  }

  std::string text_of(const DocumentRef& document, const Value& text) const {
    if (!text.is_text())
      throw reader_->error(
          document, "doc_to_text",
          "gives " + std::string(kind_name(text.kind())) + " " + text::str(text).substr(0, 40) + ", not text",
          "a question of digits alone cannot be told from an index; reword the template");
    return text.text();
  }

  std::optional<std::string> answer_of(const DocumentRef& document, const std::vector<std::string>& choices,
                                       const Value& target) const {
    if (target.is_null()) return std::nullopt;
    const Value& answer = target.is_list() && !target.list().empty() ? target.list().front() : target;
    if (!choices.empty() && target.is_integer()) {
      if (const std::string* choice = at(choices, target.integer())) return *choice;
      throw reader_->error(document, "doc_to_target",
                           "index " + std::to_string(target.integer()) + " is not among the choices");
    }
    if (answer.is_text()) return answer.text();
    throw reader_->error(document, "doc_to_target",
                         "the answer of an example is " + std::string(kind_name(answer.kind())) + ", not text",
                         "convert it with |string");
  }

  void append_example(std::vector<Message>& messages, const DocumentRef& example) {
    const Formatting& format = config_.fewshot_format;
    const Value question = reader_->text(example, format.doc_to_text);
    std::vector<std::string> choices;
    if (!format.doc_to_choice.is_null()) choices = reader_->choices(example, format.doc_to_choice);
    const Value target = reader_->target(example, format.doc_to_target);
    Turn turn;
    if (multiple_inputs_) {
      const std::string* input = question.is_integer() ? at(choices, question.integer()) : nullptr;
      if (input == nullptr) throw reader_->error(example, "doc_to_text", "is no index of the choices");
      turn.question = *input;
      choices.clear();
    } else {
      turn.question = text_of(example, question);
    }
    turn.answer = answer_of(example, choices, target);
    turn.gen_prefix = reader_->field(example, "gen_prefix", format.gen_prefix);
    turn.target_delimiter = format.target_delimiter;
    turn.fewshot_delimiter = format.fewshot_delimiter;
    append_turn(messages, turn);
  }

  std::vector<Message> opening(const DocumentRef& document, FewshotSampler& sampler) {
    std::vector<Message> messages;
    const std::string description = reader_->field(document, "description", config_.description);
    const std::string system =
        maybe_delimit(options_.system_instruction, description, config_.format.fewshot_delimiter);
    if (!system.empty()) messages.push_back({"system", system, ""});
    if (num_fewshot_ <= 0) return messages;
    // Compared as values: both are null for a task that names neither, and then one more example is drawn.
    const bool excludes = config_.fewshot_split == config_.test_split;
    bool leaked = false;
    for (const std::size_t index :
         sampler.draw(static_cast<std::size_t>(num_fewshot_), excludes ? &document.columns : nullptr)) {
      append_example(messages, {(*pool_)[index], pool_name_, index});
      leaked = leaked || (*pool_)[index] == document.columns;
    }
    leaks_ += leaked ? 1 : 0;
    return messages;
  }

  std::string prompt(std::vector<Message> messages, const std::string& question, const std::string& gen_prefix,
                     const std::string& delimiter) {
    append_turn(messages, {.question = question,
                           .answer = std::nullopt,
                           .gen_prefix = gen_prefix,
                           .target_delimiter = delimiter,
                           .fewshot_delimiter = ""});
    bool dropped = false;
    std::string text = render_prompt(
        std::move(messages),
        {.chat = options_.chat, .multiturn = options_.multiturn, .continue_last = !gen_prefix.empty()}, dropped);
    system_dropped_ = system_dropped_ || dropped;
    blank_contexts_ += !text.empty() && text::strip(text).empty() ? 1 : 0;
    return text;
  }

  void build_document(std::size_t index, FewshotSampler& sampler) {
    const DocumentRef document = evaluated(index);
    Truth& truth = state_->truths.emplace_back();
    if (is(OutputType::kLoglikelihoodRolling)) return build_rolling(document, truth);
    const std::vector<Message> messages = opening(document, sampler);
    const Value question = reader_->text(document, config_.format.doc_to_text);
    if (config_.has_choices()) truth.choices = reader_->choices(document, config_.format.doc_to_choice);
    const std::string gen_prefix = reader_->field(document, "gen_prefix", config_.format.gen_prefix);
    if (multiple_inputs_) return build_inputs(document, truth, messages, question, gen_prefix);
    truth.question = text_of(document, question);
    const std::string context = prompt(messages, truth.question, gen_prefix, config_.format.target_delimiter);
    const Value target = reader_->target(document, config_.format.doc_to_target);
    if (is(OutputType::kMultipleChoice)) {
      set_gold(document, truth, target);
      for (const std::string& choice : truth.choices) add_score(document, context, delimiter() + choice);
      add_unconditional(document, truth.choices);
    } else if (is(OutputType::kLoglikelihood)) {
      if (!target.is_text()) throw reader_->error(document, "doc_to_target", "must give text");
      truth.target = target.text();
      add_score(document, context, truth.target);
    } else {
      build_generation(document, truth, context, target);
    }
  }

  void build_rolling(const DocumentRef& document, Truth& truth) {
    const Value target = reader_->target(document, config_.format.doc_to_target);
    if (!target.is_text()) throw reader_->error(document, "doc_to_target", "must give text");
    truth.text = target.text();
    add(document, {.kind = RequestKind::kLoglikelihoodRolling,
                   .context = {},
                   .continuation = truth.text,
                   .generation_kwargs = {}});
  }

  /// Several inputs, one continuation: doc_to_text is the index of the right input.
  void build_inputs(const DocumentRef& document, Truth& truth, const std::vector<Message>& messages,
                    const Value& question, const std::string& gen_prefix) {
    if (!question.is_integer())
      throw reader_->error(document, "doc_to_text", "is no index, unlike the first document's");
    if (!is(OutputType::kMultipleChoice))
      throw reader_->error(document, "doc_to_text", "is an index, which only a multiple_choice task can use");
    const Value target = reader_->target(document, config_.format.doc_to_target);
    if (!target.is_text()) throw reader_->error(document, "doc_to_target", "must give the text behind the inputs");
    set_gold(document, truth, question);
    for (const std::string& input : truth.choices) {
      truth.question += (truth.question.empty() ? "" : " / ") + input;
      add_score(document, prompt(messages, input, gen_prefix, ""), delimiter() + target.text());
    }
    add_unconditional(document, truth.choices);
  }

  void build_generation(const DocumentRef& document, Truth& truth, const std::string& context, const Value& target) {
    set_gold_texts(document, truth, target);
    Value kwargs = config_.generation_kwargs;
    if (options_.generation_kwargs.is_dict())
      for (const Member& own : options_.generation_kwargs.dict()) kwargs.dict().set(own.key, own.value);
    for (std::int64_t repeat = 0; repeat < config_.repeats; ++repeat)
      add(document,
          {.kind = RequestKind::kGenerateUntil, .context = context, .continuation = {}, .generation_kwargs = kwargs});
  }

  void set_gold_texts(const DocumentRef& document, Truth& truth, const Value& target) {
    if (config_.has_choices()) {
      const std::string* choice = target.is_integer() ? at(truth.choices, target.integer()) : nullptr;
      if (choice == nullptr) throw reader_->error(document, "doc_to_target", "is no index of the choices");
      truth.gold_texts = {*choice};
    } else if (multiple_targets_ && target.is_list()) {
      for (const Value& one : target.list()) {
        if (!one.is_text())
          throw reader_->error(document, "doc_to_target",
                               "gives a list of " + std::string(kind_name(one.kind())) + ", not of texts");
        truth.gold_texts.push_back(one.text());
      }
    } else if (multiple_targets_ && target.is_text()) {
      truth.gold_texts = characters(target.text());  // the reference makes a list of whatever it gets
    } else {
      truth.gold_texts = {text::str(target)};
    }
    truth.target = truth.gold_texts.empty() ? "" : truth.gold_texts.front();
  }

  std::int64_t gold_index(const DocumentRef& document, const Value& gold, const std::vector<std::string>& choices) {
    if (gold.is_integer()) return gold.integer() < static_cast<std::int64_t>(choices.size()) ? gold.integer() : kNoGold;
    if (!gold.is_text())
      throw reader_->error(document, "doc_to_target",
                           "gives " + std::string(kind_name(gold.kind())) + ", neither an index nor a choice");
    const auto found = std::ranges::find(choices, gold.text());
    return found == choices.end() ? kNoGold : found - choices.begin();
  }

  void set_gold(const DocumentRef& document, Truth& truth, const Value& gold) {
    if (gold.is_list())
      for (const Value& one : gold.list()) truth.gold.push_back(gold_index(document, one, truth.choices));
    else
      truth.gold.push_back(gold_index(document, gold, truth.choices));
    bool missing = truth.gold.empty();
    for (const std::int64_t index : truth.gold) {
      const std::string* choice = index == kNoGold ? nullptr : at(truth.choices, index);
      missing = missing || choice == nullptr;
      if (choice != nullptr) truth.target += (truth.target.empty() ? "" : " / ") + *choice;
    }
    if (!missing) return;
    ++without_gold_;
    for (const MetricEntry& metric : config_.metrics)
      if (metric.metric == "brier_score")
        throw reader_->error(document, "doc_to_target", "is not among the choices", "brier_score needs a right answer");
  }

  /// Between prompt and continuation. A chat template brings its own.
  std::string delimiter() const {
    if (!options_.chat) return config_.format.target_delimiter;
    const std::string& prefix = config_.format.gen_prefix;
    return !prefix.empty() && !ends_with_space(prefix) ? config_.format.target_delimiter : "";
  }

  void add(const DocumentRef& document, TaskRequest request) {
    request.doc_id = static_cast<int>(document.number);
    const std::vector<TaskRequest>& all = state_->requests;
    request.index = all.empty() || all.back().doc_id != request.doc_id ? 0 : all.back().index + 1;
    state_->requests.push_back(std::move(request));
  }

  void add_score(const DocumentRef& document, const std::string& context, const std::string& continuation) {
    add(document, {.kind = RequestKind::kLoglikelihood,
                   .context = context,
                   .continuation = continuation,
                   .generation_kwargs = {}});
  }

  void add_unconditional(const DocumentRef& document, const std::vector<std::string>& choices) {
    const bool informed = std::ranges::any_of(
        config_.metrics, [](const MetricEntry& metric) { return metric.metric == "acc_mutual_info"; });
    if (!informed) return;
    for (const std::string& choice : choices) add_score(document, "", delimiter() + choice);
  }

  void write_notes() {
    const auto documents = [](std::size_t count) {
      return std::to_string(count) + (count == 1 ? " document" : " documents");
    };
    std::vector<std::string>& notes = state_->notes;
    if (leaks_ > 0)
      notes.push_back("few_shot_leaks: " + documents(leaks_) +
                      " stood among their own examples, which lm-evaluation-harness does not prevent here");
    if (without_gold_ > 0)
      notes.push_back(documents(without_gold_) +
                      " name a right answer that is not among the choices; counted as wrong");
    if (blank_contexts_ > 0)
      notes.push_back(documents(blank_contexts_) +
                      " have a context of white space alone; scored after the prefix token (the reference fails)");
    if (system_dropped_) notes.push_back("the chat template refused the system message; it was left out");
  }

  std::unique_ptr<Task::State> state_;
  const TaskOptions& options_;
  TaskConfig& config_;
  std::unique_ptr<DocumentReader> reader_;
  std::int64_t num_fewshot_ = 0;
  std::vector<Dict> own_pool_;
  const std::vector<Dict>* pool_ = nullptr;
  std::string pool_name_;
  bool multiple_inputs_ = false, multiple_targets_ = false, system_dropped_ = false;
  std::size_t leaks_ = 0, without_gold_ = 0, blank_contexts_ = 0;
};

}  // namespace

std::unique_ptr<Task::State> build_task(TaskConfig config, const TaskOptions& options) {
  return Builder(std::move(config), options).build();
}

}  // namespace candor::suites

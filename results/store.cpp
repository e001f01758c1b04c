#include "results/store.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <ctime>
#include <exception>

#include "base/file.h"
#include "base/json.h"
#include "results/canonical.h"
#include "results/database.h"
#include "results/schema.h"

namespace candor::results {
namespace {

constexpr int kBusyTimeoutMs = 10'000;

constexpr std::string_view kRunColumns =
    "SELECT id, kind, model, model_path, model_fingerprint, names, options, data, machine, notes, version, status, "
    "started, finished, requests, reused, tokens_requested, tokens_computed, seconds FROM run ";

std::string now_utc() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

/// Runs with the same identity ask the same of the same model.
std::string identity(const Manifest& manifest) {
  return sha256(canonical_json(Value::List{manifest.kind, manifest.model_fingerprint, manifest.names, manifest.options,
                                           manifest.data, manifest.version}));
}

Run read_run(const Query& query) {
  Run run;
  run.id = query.integer(0);
  run.manifest = {.kind = query.text(1),
                  .model = query.text(2),
                  .model_path = query.text(3),
                  .model_fingerprint = query.text(4),
                  .names = query.json(5),
                  .options = query.json(6),
                  .data = query.json(7),
                  .machine = query.json(8),
                  .notes = query.json(9),
                  .version = query.text(10)};
  run.status = query.text(11);
  run.started = query.text(12);
  run.finished = query.text(13);
  run.totals = {.requests = query.integer(14),
                .reused = query.integer(15),
                .tokens_requested = query.integer(16),
                .tokens_computed = query.integer(17),
                .seconds = query.real(18)};
  return run;
}

/// 32-bit items as bytes, little endian whatever the machine.
template <typename Item>
std::string to_bytes(const std::vector<Item>& items) {
  std::string bytes;
  bytes.reserve(items.size() * 4);
  for (const Item item : items) {
    auto bits = std::bit_cast<std::uint32_t>(item);
    for (int i = 0; i < 4; ++i, bits >>= 8) bytes += static_cast<char>(bits & 0xff);
  }
  return bytes;
}

template <typename Item>
std::vector<Item> from_bytes(const std::string& bytes, const std::string& where) {
  if (bytes.size() % 4 != 0)
    throw Error(ErrorKind::kBadInput, where, "is damaged: a response's numbers are cut off",
                "restore a copy, or start a new store with --db");
  std::vector<Item> items(bytes.size() / 4);
  for (std::size_t i = 0; i < items.size(); ++i) {
    std::uint32_t bits = 0;
    for (std::size_t k = 4; k-- > 0;) bits = bits << 8 | static_cast<unsigned char>(bytes[i * 4 + k]);
    items[i] = std::bit_cast<Item>(bits);
  }
  return items;
}

bool same_bits(const Response& a, const Response& b) {
  return a.kind == b.kind && std::bit_cast<std::uint64_t>(a.logprob) == std::bit_cast<std::uint64_t>(b.logprob) &&
         a.greedy == b.greedy && to_bytes(a.token_logprobs) == to_bytes(b.token_logprobs) && a.ids == b.ids &&
         a.text == b.text && a.finish_reason == b.finish_reason;
}

/// Row ids of a run's tasks, made as they are named.
class Tasks {
 public:
  Tasks(Database& database, std::int64_t run) : database_(database), run_(run) {}

  std::int64_t id(const std::string& name) {
    if (name == last_name_ && last_id_ != 0) return last_id_;
    Query(database_, "INSERT INTO task(run, name) VALUES (?, ?) ON CONFLICT DO NOTHING").bind(run_).bind(name).run();
    Query query(database_, "SELECT id FROM task WHERE run = ? AND name = ?");
    CANDOR_CHECK(query.bind(run_).bind(name).step(), "a task that was just stored is not there");
    last_name_ = name;
    return last_id_ = query.integer(0);
  }

 private:
  Database& database_;
  std::int64_t run_;
  std::string last_name_;
  std::int64_t last_id_ = 0;
};

}  // namespace

std::string response_key(std::string_view model_fingerprint, const Value& request) {
  return Sha256().add(model_fingerprint).add("\n").add(canonical_json(request)).hex();
}

struct Store::State {
  std::unique_ptr<Database> database;
  int depth = 0;  ///< Of nested transactions.
};

Store::Store(const std::string& path, Mode mode) : state_(std::make_unique<State>()) {
  state_->database = open_store(path, mode == Mode::kWrite, kBusyTimeoutMs);
}
Store::Store(Store&&) noexcept = default;
Store::~Store() = default;

const std::string& Store::path() const noexcept {
  return state_->database->path();
}

std::int64_t Store::begin_run(const Manifest& manifest) {
  Database& database = *state_->database;
  const std::string key = identity(manifest), status = "running", started = now_utc(), none;
  Query query(
      database,
      "INSERT INTO run(identity, kind, model, model_path, model_fingerprint, names, options, data, machine, notes, "
      "version, status, started, finished, requests, reused, tokens_requested, tokens_computed, seconds) "
      "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0, 0, 0, 0.0)");
  query.bind(key).bind(manifest.kind).bind(manifest.model).bind(manifest.model_path).bind(manifest.model_fingerprint);
  query.bind_json(manifest.names).bind_json(manifest.options).bind_json(manifest.data).bind_json(manifest.machine);
  query.bind_json(manifest.notes).bind(manifest.version).bind(status).bind(started).bind(none).run();
  return database.last_row_id();
}

std::optional<Run> Store::unfinished_run(const Manifest& manifest) const {
  const std::string key = identity(manifest);
  Query query(*state_->database,
              std::string(kRunColumns) + "WHERE identity = ? AND status <> 'finished' ORDER BY id DESC LIMIT 1");
  if (!query.bind(key).step()) return std::nullopt;
  return read_run(query);
}

void Store::finish_run(std::int64_t run, std::string_view status, const RunTotals& totals) {
  const std::string status_text(status), finished = now_utc();
  Query query(*state_->database,
              "UPDATE run SET status = ?, finished = ?, requests = ?, reused = ?, tokens_requested = ?, "
              "tokens_computed = ?, seconds = ? WHERE id = ?");
  query.bind(status_text).bind(finished).bind(totals.requests).bind(totals.reused).bind(totals.tokens_requested);
  query.bind(totals.tokens_computed).bind(totals.seconds).bind(run).run();
  if (state_->database->changes() == 0) this->run(run);  // says that there is no such run
}

std::vector<Run> Store::runs() const {
  std::vector<Run> runs;
  for (Query query(*state_->database, std::string(kRunColumns) + "ORDER BY id"); query.step();)
    runs.push_back(read_run(query));
  return runs;
}

Run Store::run(std::int64_t id) const {
  {
    Query query(*state_->database, std::string(kRunColumns) + "WHERE id = ?");
    if (query.bind(id).step()) return read_run(query);
  }
  std::string known;
  int shown = 0;
  for (const Run& run : runs()) {
    if (++shown > 20) {
      known += ", ...";
      break;
    }
    known += (known.empty() ? "" : ", ") + std::to_string(run.id);
  }
  throw Error(ErrorKind::kUsage, path(), "there is no run " + std::to_string(id),
              known.empty() ? "the store holds no runs" : "there are: " + known);
}

bool Store::has_response(std::string_view key) const {
  const std::string text(key);
  Query query(*state_->database, "SELECT 1 FROM response WHERE key = ?");
  return query.bind(text).step();
}

std::optional<Response> Store::response(std::string_view key) const {
  const std::string text(key);
  Query query(
      *state_->database,
      "SELECT key, kind, logprob, greedy, token_logprobs, ids, text, finish_reason FROM response WHERE key = ?");
  if (!query.bind(text).step()) return std::nullopt;
  return Response{.key = query.text(0),
                  .kind = query.text(1),
                  .logprob = query.real(2),
                  .greedy = query.integer(3) != 0,
                  .token_logprobs = from_bytes<float>(query.blob(4), path()),
                  .ids = from_bytes<std::int32_t>(query.blob(5), path()),
                  .text = query.text(6),
                  .finish_reason = query.text(7)};
}

bool Store::put_response(const Response& response) {
  const std::string token_logprobs = to_bytes(response.token_logprobs), ids = to_bytes(response.ids);
  {
    Query query(*state_->database,
                "INSERT INTO response(key, kind, logprob, greedy, token_logprobs, ids, text, finish_reason) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT(key) DO NOTHING");
    query.bind(response.key).bind(response.kind).bind(response.logprob).bind(response.greedy);
    query.bind_blob(token_logprobs).bind_blob(ids).bind(response.text).bind(response.finish_reason).run();
  }
  if (state_->database->changes() == 1) return true;
  const std::optional<Response> stored = this->response(response.key);
  return stored && same_bits(*stored, response);
}

void Store::put_samples(std::int64_t run, const std::vector<Sample>& samples) {
  const Transaction transaction(*this);
  Tasks tasks(*state_->database, run);
  for (const Sample& sample : samples) {
    const std::int64_t task = tasks.id(sample.task);
    Query query(*state_->database,
                "INSERT INTO sample(task, doc_id, request_index, response_key, input) VALUES (?, ?, ?, ?, ?) "
                "ON CONFLICT DO UPDATE SET response_key = excluded.response_key, input = excluded.input");
    query.bind(task).bind(sample.doc_id).bind(sample.index).bind(sample.response_key).bind_json(sample.input).run();
  }
}

void Store::put_scores(std::int64_t run, const std::vector<Score>& scores) {
  const Transaction transaction(*this);
  Tasks tasks(*state_->database, run);
  for (const Score& score : scores) {
    const std::int64_t task = tasks.id(score.task);
    Query query(*state_->database,
                "INSERT INTO score(task, doc_id, metric, filter, value, detail) VALUES (?, ?, ?, ?, ?, ?) "
                "ON CONFLICT DO UPDATE SET value = excluded.value, detail = excluded.detail");
    query.bind(task).bind(score.doc_id).bind(score.metric).bind(score.filter).bind(score.value);
    query.bind_json(score.detail).run();
  }
}

void Store::put_metrics(std::int64_t run, const std::vector<Metric>& metrics) {
  const Transaction transaction(*this);
  Tasks tasks(*state_->database, run);
  for (const Metric& metric : metrics) {
    const std::int64_t task = tasks.id(metric.task);
    Query query(*state_->database,
                "INSERT OR REPLACE INTO metric(task, metric, filter, value, standard_error, low, high, n, "
                "higher_is_better) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)");
    query.bind(task).bind(metric.metric).bind(metric.filter).bind(metric.value).bind(metric.standard_error);
    query.bind(metric.low).bind(metric.high).bind(metric.n).bind(metric.higher_is_better).run();
  }
}

void Store::put_findings(std::int64_t run, const std::vector<FindingRow>& findings) {
  const Transaction transaction(*this);
  for (const FindingRow& row : findings) {
    Query query(*state_->database,
                "INSERT OR REPLACE INTO finding(run, probe, measure, topic, language, sensitive, control, effect, low, "
                "high, p, p_adjusted, n_sensitive, n_control, evidence) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    query.bind(run).bind(row.probe).bind(row.measure).bind(row.topic).bind(row.language);
    query.bind(row.sensitive).bind(row.control).bind(row.effect).bind(row.low).bind(row.high);
    query.bind(row.p).bind(row.p_adjusted).bind(row.n_sensitive).bind(row.n_control).bind_json(row.evidence).run();
  }
}

void Store::clear_scores(std::int64_t run) {
  const Transaction transaction(*this);
  for (const char* sql :
       {"DELETE FROM score WHERE task IN (SELECT id FROM task WHERE run = ?)",
        "DELETE FROM metric WHERE task IN (SELECT id FROM task WHERE run = ?)", "DELETE FROM finding WHERE run = ?"})
    Query(*state_->database, sql).bind(run).run();
}

std::vector<Sample> Store::samples(std::int64_t run) const {
  Query query(*state_->database,
              "SELECT task.name, doc_id, request_index, response_key, input FROM task JOIN sample ON sample.task = "
              "task.id WHERE task.run = ? ORDER BY task.name, doc_id, request_index");
  std::vector<Sample> samples;
  for (query.bind(run); query.step();)
    samples.push_back({.task = query.text(0),
                       .doc_id = query.integer(1),
                       .index = query.integer(2),
                       .response_key = query.text(3),
                       .input = query.json(4)});
  return samples;
}

std::vector<Score> Store::scores(std::int64_t run) const {
  Query query(*state_->database,
              "SELECT task.name, doc_id, metric, filter, value, detail FROM task JOIN score ON score.task = task.id "
              "WHERE task.run = ? ORDER BY task.name, doc_id, metric, filter");
  std::vector<Score> scores;
  for (query.bind(run); query.step();)
    scores.push_back({.task = query.text(0),
                      .doc_id = query.integer(1),
                      .metric = query.text(2),
                      .filter = query.text(3),
                      .value = query.real(4),
                      .detail = query.json(5)});
  return scores;
}

std::vector<Metric> Store::metrics(std::int64_t run) const {
  Query query(*state_->database,
              "SELECT task.name, metric, filter, value, standard_error, low, high, n, higher_is_better FROM task JOIN "
              "metric ON metric.task = task.id WHERE task.run = ? ORDER BY task.name, metric, filter");
  std::vector<Metric> metrics;
  for (query.bind(run); query.step();)
    metrics.push_back({.task = query.text(0),
                       .metric = query.text(1),
                       .filter = query.text(2),
                       .value = query.real(3),
                       .standard_error = query.optional_real(4),
                       .low = query.optional_real(5),
                       .high = query.optional_real(6),
                       .n = query.integer(7),
                       .higher_is_better = query.integer(8) != 0});
  return metrics;
}

std::vector<FindingRow> Store::findings(std::int64_t run) const {
  Query query(*state_->database,
              "SELECT probe, measure, topic, language, sensitive, control, effect, low, high, p, p_adjusted, "
              "n_sensitive, n_control, evidence FROM finding WHERE run = ? ORDER BY probe, measure, topic, language");
  std::vector<FindingRow> findings;
  for (query.bind(run); query.step();)
    findings.push_back({.probe = query.text(0),
                        .measure = query.text(1),
                        .topic = query.text(2),
                        .language = query.text(3),
                        .sensitive = query.real(4),
                        .control = query.real(5),
                        .effect = query.real(6),
                        .low = query.real(7),
                        .high = query.real(8),
                        .p = query.real(9),
                        .p_adjusted = query.real(10),
                        .n_sensitive = query.integer(11),
                        .n_control = query.integer(12),
                        .evidence = query.json(13)});
  return findings;
}

Store::Transaction::Transaction(Store& store) : store_(store), exceptions_(std::uncaught_exceptions()) {
  State& state = *store_.state_;
  // IMMEDIATE takes the write lock at once, so that waiting for another writer cannot fail half-way.
  state.database->execute(state.depth == 0 ? "BEGIN IMMEDIATE"
                                           : ("SAVEPOINT level" + std::to_string(state.depth)).c_str());
  ++state.depth;
}

Store::Transaction::~Transaction() noexcept(false) {
  State& state = *store_.state_;
  Database& database = *state.database;
  const std::string level = "level" + std::to_string(--state.depth);
  const auto roll_back = [&] {
    // A full disk makes SQLite roll back by itself; there is nothing left to undo then.
    if (!database.in_transaction()) return;
    database.execute(state.depth == 0 ? "ROLLBACK" : ("ROLLBACK TO " + level + "; RELEASE " + level).c_str());
  };
  if (std::uncaught_exceptions() > exceptions_) {
    try {
      roll_back();
    } catch (const Error&) {
      // The error under way is the one to report; SQLite drops an open transaction when the connection closes.
    }
    return;
  }
  if (!database.in_transaction())
    throw Error(ErrorKind::kCannotRun, database.path(), "the transaction was rolled back by an earlier error",
                "run again with --resume: what was stored before is whole");
  try {
    database.execute(state.depth == 0 ? "COMMIT" : ("RELEASE " + level).c_str());
  } catch (const Error&) {
    roll_back();
    throw;
  }
}

}  // namespace candor::results

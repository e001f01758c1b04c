#include "results/schema.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <map>

namespace candor::results {
namespace {

constexpr std::int64_t kApplicationId = 0x43414e44;  // "CAND" at byte 68 of the file (sqlite.org/fileformat.html, 1.3)
constexpr std::int64_t kSchemaVersion = 1;           // user_version, byte 60

/// JSON columns hold text. Reals that SQLite cannot keep to the bit stand as 8-byte blobs (Query::bind).
constexpr const char* kSchema = R"(
CREATE TABLE run(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  identity TEXT NOT NULL,        -- SHA-256 of what decides the run's results
  kind TEXT NOT NULL,
  model TEXT NOT NULL,
  model_path TEXT NOT NULL,
  model_fingerprint TEXT NOT NULL,
  names TEXT NOT NULL,           -- JSON
  options TEXT NOT NULL,         -- JSON
  data TEXT NOT NULL,            -- JSON: file -> SHA-256
  machine TEXT NOT NULL,         -- JSON
  notes TEXT NOT NULL,           -- JSON: list of texts
  version TEXT NOT NULL,
  status TEXT NOT NULL,          -- running, finished, interrupted
  started TEXT NOT NULL,         -- ISO 8601, UTC
  finished TEXT NOT NULL,
  requests INTEGER NOT NULL,
  reused INTEGER NOT NULL,
  tokens_requested INTEGER NOT NULL,
  tokens_computed INTEGER NOT NULL,
  seconds REAL NOT NULL
);
CREATE INDEX run_by_identity ON run(identity);
CREATE TABLE task(
  id INTEGER PRIMARY KEY,
  run INTEGER NOT NULL REFERENCES run(id),
  name TEXT NOT NULL,            -- task or probe
  UNIQUE(run, name)
);
CREATE TABLE response(
  id INTEGER PRIMARY KEY,
  key TEXT NOT NULL UNIQUE,      -- SHA-256 of model fingerprint and request
  kind TEXT NOT NULL,            -- score, generate
  logprob REAL NOT NULL,
  greedy INTEGER NOT NULL,
  token_logprobs BLOB NOT NULL,  -- f32, little endian
  ids BLOB NOT NULL,             -- i32, little endian
  text TEXT NOT NULL,            -- the model's bytes as they are
  finish_reason TEXT NOT NULL
);
CREATE TABLE sample(
  task INTEGER NOT NULL REFERENCES task(id),
  doc_id INTEGER NOT NULL,
  request_index INTEGER NOT NULL,
  response_key TEXT NOT NULL,
  input TEXT NOT NULL,           -- JSON
  PRIMARY KEY(task, doc_id, request_index)
);
CREATE TABLE score(
  task INTEGER NOT NULL REFERENCES task(id),
  doc_id INTEGER NOT NULL,
  metric TEXT NOT NULL,
  filter TEXT NOT NULL,
  value REAL NOT NULL,
  detail TEXT NOT NULL,          -- JSON
  PRIMARY KEY(task, doc_id, metric, filter)
);
CREATE TABLE metric(
  task INTEGER NOT NULL REFERENCES task(id),
  metric TEXT NOT NULL,
  filter TEXT NOT NULL,
  value REAL NOT NULL,
  standard_error REAL,
  low REAL,
  high REAL,
  n INTEGER NOT NULL,
  higher_is_better INTEGER NOT NULL,
  PRIMARY KEY(task, metric, filter)
);
CREATE TABLE finding(
  run INTEGER NOT NULL REFERENCES run(id),
  probe TEXT NOT NULL,
  measure TEXT NOT NULL,
  topic TEXT NOT NULL,
  language TEXT NOT NULL,
  sensitive REAL NOT NULL,
  control REAL NOT NULL,
  effect REAL NOT NULL,
  low REAL NOT NULL,
  high REAL NOT NULL,
  p REAL NOT NULL,
  p_adjusted REAL NOT NULL,
  n_sensitive INTEGER NOT NULL,
  n_control INTEGER NOT NULL,
  evidence TEXT NOT NULL,        -- JSON: doc_ids
  PRIMARY KEY(run, probe, measure, topic, language)
);
)";

bool is_blank(Database& database) {
  return database.integer("SELECT count(*) FROM sqlite_schema") == 0 &&
         database.integer("PRAGMA application_id") == 0 && database.integer("PRAGMA user_version") == 0;
}

/// Makes a blank database a store, all at once.
void initialise(Database& database) {
  // Where the file system cannot share memory SQLite keeps its rollback journal, which a killed process does not hurt
  // either: what the pragma answers need not be checked.
  database.execute("PRAGMA journal_mode = WAL");
  database.execute("BEGIN IMMEDIATE");
  if (is_blank(database)) {  // another process may have been first
    database.execute(kSchema);
    database.execute(("PRAGMA application_id = " + std::to_string(kApplicationId)).c_str());
    database.execute(("PRAGMA user_version = " + std::to_string(kSchemaVersion)).c_str());
  }
  database.execute("COMMIT");
}

void remove_database(const std::string& path) {
  for (const char* suffix : {"", "-wal", "-shm", "-journal"}) ::unlink((path + suffix).c_str());
}

bool exists(const std::string& path) {
  struct stat status {};
  return ::lstat(path.c_str(), &status) == 0;
}

[[noreturn]] void cannot_create(const std::string& path, int error) {
  throw Error(ErrorKind::kCannotRun, path, std::string("cannot be created: ") + std::strerror(error),
              "name a file in a folder that you may write to with --db");
}

/// Makes the store under another name and gives it its own when it is whole.
void create_file(const std::string& path, int busy_timeout_ms) {
  // SQLite would replay the journal of a store that is gone into the new one.
  if (exists(path + "-wal") && !exists(path))
    throw Error(ErrorKind::kBadInput, path + "-wal", "is left of a store that is gone",
                "bring '" + path + "' back, or remove this file");
  const std::string fresh = path + "." + std::to_string(::getpid()) + ".new";
  const std::size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  if (::access(folder.c_str(), W_OK | X_OK) != 0) cannot_create(path, errno);
  remove_database(fresh);
  try {
    Database database(fresh, Database::Access::kCreate, busy_timeout_ms);
    initialise(database);
  } catch (const Error& error) {
    remove_database(fresh);
    throw Error(error.kind(), path, std::string("cannot be created: ") + error.what());
  }
  // A link, unlike a rename, leaves a store alone that another process has made meanwhile.
  int problem = ::link(fresh.c_str(), path.c_str()) == 0 || errno == EEXIST ? 0 : errno;
  if (problem == EPERM || problem == EOPNOTSUPP || problem == ENOSYS)  // a file system without links
    problem = exists(path) || ::rename(fresh.c_str(), path.c_str()) == 0 ? 0 : errno;
  remove_database(fresh);
  if (problem != 0) cannot_create(path, problem);
}

using Objects = std::map<std::string, std::string>;

/// Our tables as SQLite wrote them down.
const Objects& expected_objects() {
  static const Objects expected = [] {
    Objects objects;
    std::string_view schema = kSchema;
    while (true) {  // statements end in ";\n" and nothing else does
      const std::size_t begin = schema.find("CREATE ");
      if (begin == std::string_view::npos) return objects;
      const std::size_t end = schema.find(";\n", begin);
      std::string sql(schema.substr(begin, end - begin));
      const std::size_t name = sql.find(' ', 7) + 1;
      objects.emplace(sql.substr(name, sql.find_first_of("( ", name) - name), std::move(sql));
      schema.remove_prefix(end);
    }
  }();
  return expected;
}

void check_schema(Database& database) {
  const std::string& path = database.path();
  if (is_blank(database))
    throw Error(ErrorKind::kBadInput, path, "is empty: it holds no store", "run something with --db first");
  if (database.integer("PRAGMA application_id") != kApplicationId)
    throw Error(ErrorKind::kBadInput, path, "is an SQLite database, but no Candor store",
                "name another file with --db");
  if (const std::int64_t version = database.integer("PRAGMA user_version"); version != kSchemaVersion)
    throw Error(ErrorKind::kBadInput, path,
                "is a store of version " + std::to_string(version) + ", this program reads version " +
                    std::to_string(kSchemaVersion),
                "use the program that wrote it, or start a new store with --db");
  // A stranger's store may call its views and triggers what it likes, but not what we read and write.
  Objects found;
  Query query(database, "SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL");
  while (query.step()) {
    const std::string name = query.text(1);
    if (query.text(0) == "trigger")
      throw Error(ErrorKind::kBadInput, path, "has a trigger '" + name + "', which no store has",
                  "drop it, or start a new store with --db");
    if (expected_objects().contains(name)) found.emplace(name, query.text(2));
  }
  if (found != expected_objects())
    throw Error(ErrorKind::kBadInput, path, "does not have the tables of a store of version 1",
                "restore a copy, or start a new store with --db");
}

}  // namespace

std::unique_ptr<Database> open_store(const std::string& path, bool write, int busy_timeout_ms) {
  if (write && !path.empty() && !exists(path)) create_file(path, busy_timeout_ms);
  auto database =
      std::make_unique<Database>(path, write ? Database::Access::kWrite : Database::Access::kRead, busy_timeout_ms);
  if (write && is_blank(*database)) initialise(*database);
  check_schema(*database);
  return database;
}

}  // namespace candor::results

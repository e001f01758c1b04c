#include "results/database.h"

#include <SQLiteCpp/SQLiteCpp.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bit>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <filesystem>

#include "base/json.h"
#include "base/utf8.h"

namespace candor::results {
namespace {

/// SQLite takes "" and ":memory:" for no file and "file:..." for a URI; a path that starts with a slash or a dot is
/// always a file.
std::string plain_path(const std::string& path) {
  return path.starts_with('/') || path.starts_with("./") || path.starts_with("../") ? path : "./" + path;
}

/// A URI that opens a file on a medium where nothing can be written, not even SQLite's own locks (sqlite.org/uri.html).
std::string immutable_uri(const std::string& path) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  std::string uri = "file:";
  for (const char c : std::filesystem::absolute(path).string()) {
    if (std::isalnum(static_cast<unsigned char>(c)) || std::strchr("/._-~", c) != nullptr) {
      uri += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      (uri += '%') += {kDigits[byte >> 4], kDigits[byte & 15]};
    }
  }
  return uri + "?mode=ro&immutable=1";
}

bool exists(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0;
}

/// Readable by SQLite without any side effect of opening it: a pipe would hang, a folder has a message of its own.
void require_regular_file(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0)
    throw Error(errno == ENOENT || errno == ENOTDIR ? ErrorKind::kBadInput : ErrorKind::kCannotRun, path,
                std::string("cannot be opened: ") + std::strerror(errno), "name a store with --db");
  if (!S_ISREG(status.st_mode))
    throw Error(ErrorKind::kBadInput, path, S_ISDIR(status.st_mode) ? "is a folder" : "is not a regular file",
                "name a file with --db");
}

}  // namespace

Database::Database(const std::string& path, Access access, int busy_timeout_ms)
    : path_(path), busy_timeout_ms_(busy_timeout_ms) {
  if (path.empty()) throw Error(ErrorKind::kUsage, "--db", "names no file");
  if (access != Access::kCreate) require_regular_file(path);
  try {
    open(access);
  } catch (const SQLite::Exception& problem) {
    fail(problem);
  }
}

Database::~Database() {
  kept_.clear();  // statements go before their connection
}

void Database::open(Access access) {
  const auto connect = [&](const std::string& name, int flags) {
    connection_ = std::make_unique<SQLite::Database>(name, flags, busy_timeout_ms_);
    if (access != Access::kRead && sqlite3_db_readonly(connection_->getHandle(), "main") == 1)
      throw Error(ErrorKind::kCannotRun, path_, "is write-protected",
                  "change its permissions, or name another file with --db");
    sqlite3_extended_result_codes(connection_->getHandle(), 1);
    // A store may come from a stranger: its schema runs no functions, and its pages are checked as they are read.
    sqlite3_db_config(connection_->getHandle(), SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
    connection_->exec("PRAGMA trusted_schema = OFF");
    connection_->exec("PRAGMA cell_size_check = ON");
    connection_->exec("PRAGMA foreign_keys = ON");
    // In WAL mode NORMAL loses no committed transaction to a killed process. A power cut may lose the last ones, never
    // the file's consistency; resuming computes them again, to the same bits. FULL would cost a sync per commit.
    connection_->exec("PRAGMA synchronous = NORMAL");
    connection_->exec("PRAGMA cache_size = -32768");
    connection_->execAndGet("SELECT count(*) FROM sqlite_schema").getInt64();  // reads the file for the first time
  };
  const std::string name = plain_path(path_);
  if (access == Access::kRead) {
    // Opened for writing where the file allows it, so that closing leaves no -wal and -shm files behind.
    try {
      connect(name, SQLite::OPEN_READWRITE);
    } catch (const SQLite::Exception& problem) {
      const int code = problem.getErrorCode() & 0xff;
      const bool nothing_pending = !exists(path_ + "-wal") || std::filesystem::file_size(path_ + "-wal") == 0;
      if ((code != SQLITE_CANTOPEN && code != SQLITE_READONLY) || !nothing_pending) throw;
      connect(immutable_uri(path_), SQLite::OPEN_READONLY | SQLite::OPEN_URI);
    }
    connection_->exec("PRAGMA query_only = ON");
    return;
  }
  connect(name, SQLite::OPEN_READWRITE | (access == Access::kCreate ? SQLite::OPEN_CREATE : 0));
}

void Database::fail(const SQLite::Exception& problem) const {
  fail(problem.getExtendedErrorCode() > 0 ? problem.getExtendedErrorCode() : problem.getErrorCode(), problem.what());
}

void Database::fail(int code, std::string_view message) const {
  const int system_error = connection_ ? sqlite3_system_errno(connection_->getHandle()) : 0;
  const std::string text(message);
  switch (code & 0xff) {  // the low byte is the primary code (sqlite.org/rescode.html)
    case SQLITE_NOTADB:
      throw Error(ErrorKind::kBadInput, path_, "is not an SQLite database", "name a store with --db");
    case SQLITE_CORRUPT:
      throw Error(ErrorKind::kBadInput, path_, "is damaged: " + text, "restore a copy, or start a new store with --db");
    case SQLITE_FULL:
      throw Error(ErrorKind::kCannotRun, path_, "the disk is full",
                  "free some space and run again with --resume: what was stored before is whole");
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      throw Error(ErrorKind::kCannotRun, path_,
                  "was locked by another process for " + std::to_string(busy_timeout_ms_ / 1000) + " seconds",
                  "wait for that process to end");
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_AUTH:
      throw Error(ErrorKind::kCannotRun, path_, "cannot be opened or written (" + text + ")",
                  "check the permissions of the file and of its folder");
    case SQLITE_IOERR:
      throw Error(ErrorKind::kCannotRun, path_,
                  system_error != 0 ? std::string("reading or writing failed: ") + std::strerror(system_error)
                                    : "reading or writing failed: " + text,
                  "check the disk, its quota and file size limits; what was stored before is whole");
    case SQLITE_NOMEM:
      throw Error(ErrorKind::kCannotRun, path_, "out of memory");
    case SQLITE_CONSTRAINT:
      if (code == SQLITE_CONSTRAINT_FOREIGNKEY)
        throw Error(ErrorKind::kUsage, path_, "there is no such run", "`candor runs` lists them");
      [[fallthrough]];
    default:
      throw Error(ErrorKind::kBadInput, path_, "SQLite: " + text);
  }
}

void Database::execute(const char* sql) {
  try {
    connection_->exec(sql);
  } catch (const SQLite::Exception& problem) {
    fail(problem);
  }
}

std::int64_t Database::integer(const char* sql) {
  try {
    return connection_->execAndGet(sql).getInt64();
  } catch (const SQLite::Exception& problem) {
    fail(problem);
  }
}

std::string Database::text(const char* sql) {
  try {
    return connection_->execAndGet(sql).getString();
  } catch (const SQLite::Exception& problem) {
    fail(problem);
  }
}

bool Database::in_transaction() const noexcept {
  return sqlite3_get_autocommit(connection_->getHandle()) == 0;
}
std::int64_t Database::last_row_id() const noexcept {
  return connection_->getLastInsertRowid();
}
int Database::changes() const noexcept {
  return connection_->getChanges();
}

Database::Kept& Database::prepare(std::string_view sql) {
  Kept& kept = kept_[std::string(sql)];
  CANDOR_CHECK(!kept.in_use, "a statement was started again before it ended");
  if (!kept.statement) {
    try {
      kept.statement = std::make_unique<SQLite::Statement>(*connection_, std::string(sql));
    } catch (const SQLite::Exception& problem) {
      fail(problem);
    }
  }
  return kept;
}

Query::Query(Database& database, std::string_view sql) : database_(database), kept_(database.prepare(sql)) {
  kept_.in_use = true;
}

Query::~Query() {
  kept_.statement->tryReset();  // repeats the error of the last step, which was thrown then
  kept_.in_use = false;
}

Query& Query::bind(std::int64_t value) {
  try {
    kept_.statement->bind(++bound_, value);
  } catch (const SQLite::Exception& problem) {
    database_.fail(problem);
  }
  return *this;
}

Query& Query::bind(double value) {
  if (std::isnan(value) || (value == 0.0 && std::signbit(value))) {
    std::string bytes;
    for (auto [bits, i] = std::pair{std::bit_cast<std::uint64_t>(value), 0}; i < 8; ++i, bits >>= 8)
      bytes += static_cast<char>(bits & 0xff);
    owned_.reserve(32);
    owned_.push_back(std::move(bytes));
    return bind_blob(owned_.back());
  }
  try {
    kept_.statement->bind(++bound_, value);
  } catch (const SQLite::Exception& problem) {
    database_.fail(problem);
  }
  return *this;
}

Query& Query::bind(const std::optional<double>& value) {
  if (value) return bind(*value);
  try {
    kept_.statement->bind(++bound_);
  } catch (const SQLite::Exception& problem) {
    database_.fail(problem);
  }
  return *this;
}

Query& Query::bind(const std::string& text) {
  if (text.size() > 1'000'000'000)  // SQLITE_MAX_LENGTH
    throw Error(ErrorKind::kBadInput, database_.path(), "a text of more than 1 GB cannot be stored");
  try {
    kept_.statement->bindNoCopy(++bound_, text);
  } catch (const SQLite::Exception& problem) {
    database_.fail(problem);
  }
  return *this;
}

Query& Query::bind_blob(const std::string& bytes) {
  if (bytes.size() > 1'000'000'000)
    throw Error(ErrorKind::kBadInput, database_.path(), "a row of more than 1 GB cannot be stored");
  try {
    kept_.statement->bindNoCopy(++bound_, static_cast<const void*>(bytes.data()), static_cast<int>(bytes.size()));
  } catch (const SQLite::Exception& problem) {
    database_.fail(problem);
  }
  return *this;
}

Query& Query::bind_json(const Value& value) {
  owned_.reserve(32);  // never more parameters than this: what is bound must not move
  std::string text = to_json(value);
  // A model's answer may end inside a character. The answer itself is kept as it is; here it is only quoted.
  owned_.push_back(is_utf8(text) ? std::move(text) : repair_utf8(text));
  return bind(owned_.back());
}

bool Query::step() {
  try {
    return kept_.statement->executeStep();
  } catch (const SQLite::Exception& problem) {
    database_.fail(problem);
  }
}

void Query::run() {
  while (step()) {
  }
}

SQLite::Column Query::get(int column) const {
  try {
    return kept_.statement->getColumn(column);
  } catch (const SQLite::Exception& problem) {
    database_.fail(problem);
  }
}

void Query::malformed(int column, std::string_view expected) const {
  throw Error(ErrorKind::kBadInput, database_.path(),
              std::string("is damaged: column '") + kept_.statement->getColumnName(column) + "' should hold " +
                  std::string(expected),
              "restore a copy, or start a new store with --db");
}

bool Query::is_null(int column) const {
  return get(column).isNull();
}

std::int64_t Query::integer(int column) const {
  const SQLite::Column value = get(column);
  if (!value.isInteger()) malformed(column, "an integer");
  return value.getInt64();
}

double Query::real(int column) const {
  const SQLite::Column value = get(column);
  if (value.isFloat() || value.isInteger()) return value.getDouble();
  if (!value.isBlob() || value.getBytes() != 8) malformed(column, "a number");
  std::uint64_t bits = 0;
  const auto* bytes = static_cast<const unsigned char*>(value.getBlob());
  for (int i = 7; i >= 0; --i) bits = bits << 8 | bytes[i];
  return std::bit_cast<double>(bits);
}

std::optional<double> Query::optional_real(int column) const {
  if (is_null(column)) return std::nullopt;
  return real(column);
}

std::string Query::text(int column) const {
  const SQLite::Column value = get(column);
  if (!value.isText()) malformed(column, "text");
  return value.getString();
}

std::string Query::blob(int column) const {
  const SQLite::Column value = get(column);
  if (!value.isBlob()) malformed(column, "bytes");
  return value.getString();
}

Value Query::json(int column) const {
  return parse_json(text(column),
                    database_.path() + ": column '" + std::string(kept_.statement->getColumnName(column)) + "'");
}

}  // namespace candor::results

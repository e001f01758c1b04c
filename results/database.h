// One SQLite connection: errors translated, statements kept, rows checked. Private to results.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/error.h"
#include "base/value.h"

namespace SQLite {
class Column;
class Database;
class Exception;
class Statement;
}  // namespace SQLite

namespace candor::results {

/// A file that SQLite has open. Every member throws Error: kBadInput for what is wrong with the file, kCannotRun for
/// what is wrong with the machine (disk full, no permission, locked for longer than the timeout).
class Database {
 public:
  enum class Access {
    kRead,    ///< The file is there. Nothing is written but what recovering another process's work needs.
    kWrite,   ///< The file is there.
    kCreate,  ///< The file is made if it is not there.
  };
  Database(const std::string& path, Access access, int busy_timeout_ms);
  Database(const Database&) = delete;
  ~Database();

  const std::string& path() const noexcept { return path_; }

  /// Statements without parameters or rows.
  void execute(const char* sql);
  /// The first column of the first row, which must be there.
  std::int64_t integer(const char* sql);
  std::string text(const char* sql);

  bool in_transaction() const noexcept;
  std::int64_t last_row_id() const noexcept;
  /// Rows changed by the last statement.
  int changes() const noexcept;

  /// Turns SQLite's error into ours.
  [[noreturn]] void fail(const SQLite::Exception& problem) const;
  [[noreturn]] void fail(int code, std::string_view message) const;

 private:
  friend class Query;
  struct Kept {
    std::unique_ptr<SQLite::Statement> statement;
    bool in_use = false;
  };
  Kept& prepare(std::string_view sql);
  void open(Access access);

  std::string path_;
  int busy_timeout_ms_;
  std::unique_ptr<SQLite::Database> connection_;
  std::unordered_map<std::string, Kept> kept_;  ///< Prepared statements by their text.
};

/// One execution of a kept statement; ready for the next when this goes.
///
///     Query query(database, "SELECT name FROM task WHERE run = ?");
///     for (query.bind(run); query.step();) names.push_back(query.text(0));
class Query {
 public:
  Query(Database& database, std::string_view sql);
  Query(const Query&) = delete;
  ~Query();

  // Parameters in their order. Texts and blobs are borrowed until this goes.
  Query& bind(std::int64_t value);
  Query& bind(bool value) { return bind(std::int64_t{value}); }
  /// Every bit comes back, also of NaN and -0.0, which SQLite itself would change: those two are kept as 8-byte blobs.
  Query& bind(double value);
  Query& bind(const std::optional<double>& value);
  Query& bind(const std::string& text);
  Query& bind(std::string&& text) = delete;
  Query& bind_blob(const std::string& bytes);
  /// As JSON in well-formed UTF-8.
  Query& bind_json(const Value& value);

  /// Runs to the next row. @returns whether there is one.
  bool step();
  /// Runs to the end.
  void run();

  // Columns of the row, from 0; each throws Error{kBadInput} if it holds another type.
  bool is_null(int column) const;
  std::int64_t integer(int column) const;
  double real(int column) const;
  std::optional<double> optional_real(int column) const;
  std::string text(int column) const;
  std::string blob(int column) const;
  Value json(int column) const;

 private:
  [[noreturn]] void malformed(int column, std::string_view expected) const;
  SQLite::Column get(int column) const;

  Database& database_;
  Database::Kept& kept_;
  int bound_ = 0;
  std::vector<std::string> owned_;  ///< Texts made here, alive until the statement has run.
};

}  // namespace candor::results

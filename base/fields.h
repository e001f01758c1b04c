// Strict reading of an object whose keys are known: a misspelt key is an error that names the nearest right one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/value.h"

namespace candor {

/// Takes members out of a dict one by one, with their types checked; `finish` refuses what nobody asked for.
/// The dict must outlive this.
///
///     Fields fields(value, "requests.jsonl:3");
///     request.id = fields.text("id");
///     request.max_tokens = fields.optional_integer("max_tokens").value_or(256);
///     fields.finish();
///
/// All members throw Error{kBadInput} naming `where`, the key and the type found.
class Fields {
 public:
  Fields(const Value& value, std::string where);

  bool has(std::string_view key) const;  ///< Present and not null.
  std::string text(std::string_view key);
  std::int64_t integer(std::string_view key);
  double real(std::string_view key);
  bool boolean(std::string_view key);
  const Value& any(std::string_view key);
  const Value::List& list(std::string_view key);
  const Value& dict(std::string_view key);

  /// Absent or null: nothing.
  std::optional<std::string> optional_text(std::string_view key);
  std::optional<std::int64_t> optional_integer(std::string_view key);
  std::optional<double> optional_real(std::string_view key);
  std::optional<bool> optional_boolean(std::string_view key);
  const Value* optional_any(std::string_view key);
  const Value* optional_list(std::string_view key);
  const Value* optional_dict(std::string_view key);
  /// A list of texts, or one text.
  std::vector<std::string> optional_texts(std::string_view key);

  /// Marks a key as known without reading it.
  void ignore(std::string_view key);
  /// @throws Error{kBadInput} if a key was neither read nor ignored.
  void finish() const;

  const std::string& where() const noexcept { return where_; }

 private:
  const Value* take(std::string_view key);
  const Value& require(std::string_view key, std::optional<Value::Kind> kind);
  const Value* optional(std::string_view key, std::optional<Value::Kind> kind);

  const Value& value_;
  std::string where_;
  std::vector<std::string> asked_;
};

/// The candidate with the smallest edit distance to `word`, if it is near enough to be what was meant; else empty.
std::string nearest(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace candor

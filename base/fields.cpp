#include "base/fields.h"

#include <algorithm>

#include "base/error.h"

namespace candor {
namespace {

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t above = row[j];
      row[j] = std::min({above + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)});
      diagonal = above;
    }
  }
  return row.back();
}

std::string quoted(std::string_view key) {
  return "'" + std::string(key.substr(0, 100)) + "'";
}

}  // namespace

std::string nearest(std::string_view word, const std::vector<std::string>& candidates) {
  word = word.substr(0, 100);
  std::string best;
  std::size_t best_distance = std::max<std::size_t>(1, word.size() / 3) + 1;
  for (const std::string& candidate : candidates) {
    if (candidate.size() > 200) continue;
    const std::size_t distance = edit_distance(word, candidate);
    if (distance < best_distance) best_distance = distance, best = candidate;
  }
  return best;
}

Fields::Fields(const Value& value, std::string where) : value_(value), where_(std::move(where)) {
  if (!value.is_dict())
    throw Error(ErrorKind::kBadInput, where_, "expected an object, found " + std::string(kind_name(value.kind())));
}

const Value* Fields::take(std::string_view key) {
  asked_.emplace_back(key);
  return value_.find(key);
}

const Value* Fields::optional(std::string_view key, std::optional<Value::Kind> kind) {
  const Value* found = take(key);
  if (found == nullptr || found->is_null()) return nullptr;
  const bool number_for_real = kind == Value::Kind::kReal && found->is_integer();
  if (kind && found->kind() != *kind && !number_for_real)
    throw Error(
        ErrorKind::kBadInput, where_,
        quoted(key) + " must be " + std::string(kind_name(*kind)) + ", found " + std::string(kind_name(found->kind())));
  return found;
}

const Value& Fields::require(std::string_view key, std::optional<Value::Kind> kind) {
  const Value* found = optional(key, kind);
  if (found != nullptr) return *found;
  // A misspelt key explains an absent one better than its absence does.
  if (value_.find(key) == nullptr) {
    for (const Member& member : value_.dict())
      if (nearest(member.key, {std::string(key)}) == key &&
          std::find(asked_.begin(), asked_.end(), member.key) == asked_.end())
        throw Error(ErrorKind::kBadInput, where_, "unknown key " + quoted(member.key),
                    "did you mean " + quoted(key) + "?");
  }
  throw Error(ErrorKind::kBadInput, where_, quoted(key) + " is missing");
}

bool Fields::has(std::string_view key) const {
  const Value* found = value_.find(key);
  return found != nullptr && !found->is_null();
}

std::string Fields::text(std::string_view key) {
  return require(key, Value::Kind::kText).text();
}
std::int64_t Fields::integer(std::string_view key) {
  return require(key, Value::Kind::kInteger).integer();
}
double Fields::real(std::string_view key) {
  return require(key, Value::Kind::kReal).real();
}
bool Fields::boolean(std::string_view key) {
  return require(key, Value::Kind::kBool).boolean();
}
const Value& Fields::any(std::string_view key) {
  return require(key, std::nullopt);
}
const Value::List& Fields::list(std::string_view key) {
  return require(key, Value::Kind::kList).list();
}
const Value& Fields::dict(std::string_view key) {
  return require(key, Value::Kind::kDict);
}

std::optional<std::string> Fields::optional_text(std::string_view key) {
  const Value* found = optional(key, Value::Kind::kText);
  return found ? std::optional(found->text()) : std::nullopt;
}

std::optional<std::int64_t> Fields::optional_integer(std::string_view key) {
  const Value* found = optional(key, Value::Kind::kInteger);
  return found ? std::optional(found->integer()) : std::nullopt;
}

std::optional<double> Fields::optional_real(std::string_view key) {
  const Value* found = optional(key, Value::Kind::kReal);
  return found ? std::optional(found->real()) : std::nullopt;
}

std::optional<bool> Fields::optional_boolean(std::string_view key) {
  const Value* found = optional(key, Value::Kind::kBool);
  return found ? std::optional(found->boolean()) : std::nullopt;
}

const Value* Fields::optional_any(std::string_view key) {
  return optional(key, std::nullopt);
}
const Value* Fields::optional_list(std::string_view key) {
  return optional(key, Value::Kind::kList);
}
const Value* Fields::optional_dict(std::string_view key) {
  return optional(key, Value::Kind::kDict);
}

std::vector<std::string> Fields::optional_texts(std::string_view key) {
  const Value* found = optional(key, std::nullopt);
  if (found == nullptr) return {};
  if (found->is_text()) return {found->text()};
  const auto refuse = [&](Value::Kind kind) {
    throw Error(ErrorKind::kBadInput, where_,
                quoted(key) + " must be a text or a list of texts, found " + std::string(kind_name(kind)));
  };
  if (!found->is_list()) refuse(found->kind());
  std::vector<std::string> texts;
  for (const Value& item : found->list()) {
    if (!item.is_text()) refuse(item.kind());
    texts.push_back(item.text());
  }
  return texts;
}

void Fields::ignore(std::string_view key) {
  asked_.emplace_back(key);
}

void Fields::finish() const {
  for (const Member& member : value_.dict()) {
    if (std::find(asked_.begin(), asked_.end(), member.key) != asked_.end()) continue;
    const std::string meant = nearest(member.key, asked_);
    std::string place = where_;
    if (member.value.line() > 0) place += ":" + std::to_string(member.value.line());
    throw Error(ErrorKind::kBadInput, place, "unknown key " + quoted(member.key),
                meant.empty() ? "remove it" : "did you mean " + quoted(meant) + "?");
  }
}

}  // namespace candor

#include "engine/model/hf_config.h"

#include <cmath>

#include "base/error.h"
#include "base/json.h"

namespace candor::model {
namespace {

std::string quoted(std::string_view key) {
  return "'" + std::string(key) + "'";
}

bool is_integral(const Value& value) {
  return value.is_integer();
}
bool is_number(const Value& value) {
  return value.is_number();
}
bool is_flag(const Value& value) {
  return value.is_bool();
}
bool is_text(const Value& value) {
  return value.is_text();
}
bool is_list(const Value& value) {
  return value.is_list();
}

}  // namespace

HfConfig::HfConfig(const Value& value, std::string where) : value_(value), where_(std::move(where)) {
  if (!value.is_dict()) throw Error(ErrorKind::kBadInput, where_, "is no object");
}

const Value* HfConfig::find(std::string_view key) const {
  const Value* found = value_.find(key);
  return found == nullptr || found->is_null() ? nullptr : found;
}

bool HfConfig::states(std::string_view key) const {
  return value_.find(key) != nullptr;
}

void HfConfig::refuse(std::string_view key, const std::string& what, const std::string& remedy) const {
  throw Error(ErrorKind::kBadInput, where_, quoted(key) + " " + what, remedy);
}

const Value* HfConfig::typed(std::string_view key, bool right_kind(const Value&), std::string_view wanted) const {
  const Value* found = find(key);
  if (found != nullptr && !right_kind(*found))
    refuse(key, "is " + std::string(kind_name(found->kind())) + ", expected " + std::string(wanted));
  return found;
}

int HfConfig::size(std::string_view key, int limit) const {
  const Value* found = typed(key, is_integral, "integer");
  if (found == nullptr) refuse(key, "is missing");
  if (found->integer() < 1 || found->integer() > limit)
    refuse(key, "is " + std::to_string(found->integer()) + ", expected 1 to " + std::to_string(limit));
  return static_cast<int>(found->integer());
}

int HfConfig::size_or(std::string_view key, int absent, int limit) const {
  return find(key) == nullptr ? absent : size(key, limit);
}

int HfConfig::count_or(std::string_view key, int absent) const {
  const Value* found = typed(key, is_integral, "integer");
  return found == nullptr || found->integer() != 0 ? size_or(key, absent) : 0;
}

double HfConfig::real_or(std::string_view key, double absent) const {
  const Value* found = typed(key, is_number, "number");
  if (found == nullptr) return absent;
  if (!std::isfinite(found->real())) refuse(key, "is not finite");
  return found->real();
}

bool HfConfig::flag_or(std::string_view key, bool absent) const {
  const Value* found = typed(key, is_flag, "boolean");
  return found == nullptr ? absent : found->boolean();
}

std::string HfConfig::text_or(std::string_view key, std::string_view absent) const {
  const Value* found = typed(key, is_text, "text");
  return found == nullptr ? std::string(absent) : found->text();
}

std::vector<std::int64_t> HfConfig::integers(std::string_view key) const {
  const Value* found = find(key);
  if (found == nullptr) return {};
  if (found->is_integer()) return {found->integer()};
  std::vector<std::int64_t> out;
  for (const Value& item : typed(key, is_list, "list")->list()) {
    if (!item.is_integer()) refuse(key, "is a list with what is no integer");
    out.push_back(item.integer());
  }
  return out;
}

std::vector<std::string> HfConfig::texts(std::string_view key) const {
  const Value* found = typed(key, is_list, "list");
  if (found == nullptr) return {};
  std::vector<std::string> out;
  for (const Value& item : found->list()) {
    if (!item.is_text()) refuse(key, "is a list with what is no text");
    out.push_back(item.text());
  }
  return out;
}

void HfConfig::demand(std::string_view key, std::string_view only) const {
  const Value* found = find(key);
  if (found == nullptr || (found->is_text() && found->text() == only)) return;
  refuse(key, "is " + to_json(*found) + ", which is not supported; known is \"" + std::string(only) + "\"");
}

}  // namespace candor::model

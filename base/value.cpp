#include "base/value.h"

#include <algorithm>
#include <limits>

#include "base/error.h"

namespace candor {
namespace {

constexpr std::size_t kLinearLimit = 16;
constexpr std::size_t kNowhere = std::numeric_limits<std::size_t>::max();

}  // namespace

Dict::Dict() = default;
Dict::Dict(const Dict&) = default;
Dict::Dict(Dict&&) noexcept = default;
Dict& Dict::operator=(const Dict&) = default;
Dict& Dict::operator=(Dict&&) noexcept = default;
Dict::~Dict() = default;

Dict::Dict(std::initializer_list<Member> members) {
  for (const Member& member : members) set(member.key, member.value);
}

std::size_t Dict::size() const noexcept {
  return members_.size();
}
bool Dict::empty() const noexcept {
  return members_.empty();
}
const Member* Dict::begin() const noexcept {
  return members_.data();
}
const Member* Dict::end() const noexcept {
  return members_.data() + members_.size();
}
Member* Dict::begin() noexcept {
  return members_.data();
}
Member* Dict::end() noexcept {
  return members_.data() + members_.size();
}

std::size_t Dict::index_of(std::string_view key) const {
  if (members_.size() <= kLinearLimit) {
    for (std::size_t i = 0; i < members_.size(); ++i)
      if (members_[i].key == key) return i;
    return kNowhere;
  }
  const auto found = index_.find(std::string(key));
  return found == index_.end() ? kNowhere : found->second;
}

const Value* Dict::find(std::string_view key) const {
  const std::size_t i = index_of(key);
  return i == kNowhere ? nullptr : &members_[i].value;
}

Value* Dict::find(std::string_view key) {
  return const_cast<Value*>(std::as_const(*this).find(key));
}

Value& Dict::set(std::string key, Value value) {
  const std::size_t i = index_of(key);
  if (i != kNowhere) return members_[i].value = std::move(value);
  members_.push_back({std::move(key), std::move(value)});
  if (members_.size() == kLinearLimit + 1) {
    for (std::size_t k = 0; k < members_.size(); ++k) index_.emplace(members_[k].key, k);
  } else if (members_.size() > kLinearLimit) {
    index_.emplace(members_.back().key, members_.size() - 1);
  }
  return members_.back().value;
}

bool Dict::erase(std::string_view key) {
  const std::size_t i = index_of(key);
  if (i == kNowhere) return false;
  members_.erase(members_.begin() + static_cast<std::ptrdiff_t>(i));
  index_.clear();
  if (members_.size() > kLinearLimit)
    for (std::size_t k = 0; k < members_.size(); ++k) index_.emplace(members_[k].key, k);
  return true;
}

bool operator==(const Dict& a, const Dict& b) {
  if (a.size() != b.size()) return false;
  return std::all_of(a.begin(), a.end(), [&](const Member& member) {
    const Value* other = b.find(member.key);
    return other != nullptr && *other == member.value;
  });
}

bool Value::boolean() const {
  CANDOR_CHECK(is_bool(), kind_name(kind()));
  return std::get<bool>(data_);
}

std::int64_t Value::integer() const {
  CANDOR_CHECK(is_integer(), kind_name(kind()));
  return std::get<std::int64_t>(data_);
}

double Value::real() const {
  CANDOR_CHECK(is_number(), kind_name(kind()));
  return is_integer() ? static_cast<double>(std::get<std::int64_t>(data_)) : std::get<double>(data_);
}

const std::string& Value::text() const {
  CANDOR_CHECK(is_text(), kind_name(kind()));
  return std::get<std::string>(data_);
}

const Value::List& Value::list() const {
  CANDOR_CHECK(is_list(), kind_name(kind()));
  return std::get<List>(data_);
}

Value::List& Value::list() {
  return const_cast<List&>(std::as_const(*this).list());
}

const Dict& Value::dict() const {
  CANDOR_CHECK(is_dict(), kind_name(kind()));
  return std::get<Dict>(data_);
}

Dict& Value::dict() {
  return const_cast<Dict&>(std::as_const(*this).dict());
}

const Value* Value::find(std::string_view key) const {
  return is_dict() ? dict().find(key) : nullptr;
}

bool operator==(const Value& a, const Value& b) {
  const auto number = [](const Value& v) { return v.is_number() || v.is_bool(); };
  if (number(a) && number(b)) {
    if (!a.is_real() && !b.is_real()) {
      const auto whole = [](const Value& v) { return v.is_bool() ? std::int64_t{v.boolean()} : v.integer(); };
      return whole(a) == whole(b);
    }
    const auto real = [](const Value& v) { return v.is_bool() ? double{v.boolean() ? 1.0 : 0.0} : v.real(); };
    return real(a) == real(b);
  }
  return a.data_ == b.data_;
}

std::string_view kind_name(Value::Kind kind) {
  switch (kind) {
    case Value::Kind::kNull:
      return "null";
    case Value::Kind::kBool:
      return "boolean";
    case Value::Kind::kInteger:
      return "integer";
    case Value::Kind::kReal:
      return "number";
    case Value::Kind::kText:
      return "text";
    case Value::Kind::kList:
      return "list";
    case Value::Kind::kDict:
      return "object";
  }
  return "unknown";
}

}  // namespace candor

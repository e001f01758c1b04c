#include "engine/text/jinja_value.h"

#include <algorithm>
#include <limits>

#include "engine/text/jinja_runtime.h"

namespace candor::text::jinja {
namespace {

constexpr std::size_t kNowhere = std::numeric_limits<std::size_t>::max();
constexpr std::size_t kLinearLimit = 8;

}  // namespace

Thing::~Thing() {
  if (account != nullptr) account->release(bytes);
}

std::string Undefined::message() const {
  if (!hint.empty()) return hint;
  if (object_type.empty()) return name + " is undefined";
  if (!name_is_text) return object_type + " has no element " + name;
  return "'" + object_type + "' has no attribute " + name;
}

std::size_t Mapping::index_of(Runtime& runtime, const Object& key) const {
  if (items.size() <= kLinearLimit) {
    for (std::size_t i = 0; i < items.size(); ++i)
      if (equals(runtime, items[i].first, key)) return i;
    return kNowhere;
  }
  const auto [first, last] = index_.equal_range(hash(runtime, key));
  for (auto it = first; it != last; ++it)
    if (equals(runtime, items[it->second].first, key)) return it->second;
  return kNowhere;
}

const Object* Mapping::find(Runtime& runtime, const Object& key) const {
  const std::size_t i = index_of(runtime, key);
  return i == kNowhere ? nullptr : &items[i].second;
}

const Object* Mapping::find(std::string_view key) const {
  const auto matches = [key](const Entry& entry) {
    return entry.first.is_text() && entry.first.text().bytes_utf8 == key;
  };
  if (items.size() <= kLinearLimit) {
    const auto found = std::find_if(items.begin(), items.end(), matches);
    return found == items.end() ? nullptr : &found->second;
  }
  const auto [first, last] = index_.equal_range(std::hash<std::string_view>{}(key));
  for (auto it = first; it != last; ++it)
    if (matches(items[it->second])) return &items[it->second].second;
  return nullptr;
}

void Mapping::set(Runtime& runtime, Object key, Object value) {
  const std::size_t key_hash = hash(runtime, key);  // also refuses what cannot be a key
  const std::size_t i = index_of(runtime, key);
  if (i != kNowhere) {
    items[i].second = std::move(value);
    return;
  }
  items.emplace_back(std::move(key), std::move(value));
  if (items.size() == kLinearLimit + 1) {
    for (std::size_t k = 0; k < items.size(); ++k) index_.emplace(hash(runtime, items[k].first), k);
  } else if (items.size() > kLinearLimit) {
    index_.emplace(key_hash, items.size() - 1);
  }
}

std::int64_t Range::size() const {
  // Unsigned: the ends may lie further apart than a signed number can say.
  const auto count = [](std::int64_t low, std::int64_t high, std::uint64_t width) -> std::uint64_t {
    if (low >= high) return 0;
    return (static_cast<std::uint64_t>(high) - static_cast<std::uint64_t>(low) - 1) / width + 1;
  };
  const auto width = static_cast<std::uint64_t>(step);
  const std::uint64_t size = step > 0 ? count(start, stop, width) : count(stop, start, ~width + 1);
  constexpr auto kMost = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  return static_cast<std::int64_t>(std::min(size, kMost));
}

const Object* Namespace::find(std::string_view name) const {
  for (const auto& [key, value] : members)
    if (key == name) return &value;
  return nullptr;
}

void Namespace::set(std::string_view name, Object value) {
  for (auto& [key, old] : members) {
    if (key != name) continue;
    old = std::move(value);
    return;
  }
  members.emplace_back(std::string(name), std::move(value));
}

bool Loop::peek(Runtime& runtime) {
  if (has_after) return true;
  if (ended) return false;
  has_after = source->next(runtime, after);
  ended = !has_after;
  return has_after;
}

bool Loop::advance(Runtime& runtime) {
  if (!peek(runtime)) return false;
  before = std::move(current);
  current = std::move(after);
  has_after = false;
  ++index0;
  return true;
}

std::int64_t Loop::length(Runtime& runtime) {
  if (known_length >= 0) return known_length;
  if (has_length(iterable)) return known_length = jinja::length(runtime, iterable);
  // What has no length is read to its end, as Jinja does.
  auto rest = runtime.make<Sequence>();
  std::int64_t count = index0 + 1;
  if (has_after) {
    rest->items.push_back(after);
    has_after = false;
  }
  Object item;
  while (!ended && source->next(runtime, item)) {
    runtime.step();
    runtime.charge(*rest, sizeof(Object));
    rest->items.push_back(std::move(item));
  }
  ended = false;
  known_length = count + static_cast<std::int64_t>(rest->items.size());
  source = iterate(runtime, Object(Kind::kList, rest));
  return known_length;
}

std::string_view type_name(const Object& object) {
  switch (object.kind()) {
    case Kind::kUndefined:
      return object.undefined().strict ? "StrictUndefined" : "Undefined";
    case Kind::kNone:
      return "NoneType";
    case Kind::kBool:
      return "bool";
    case Kind::kInteger:
      return "int";
    case Kind::kReal:
      return "float";
    case Kind::kText:
      return object.text().markup ? "Markup" : "str";
    case Kind::kList:
      return "list";
    case Kind::kTuple:
      return object.sequence().group ? "_GroupTuple" : "tuple";
    case Kind::kDict:
      return "dict";
    case Kind::kRange:
      return "range";
    case Kind::kView:
      switch (object.view().what) {
        case View::What::kKeys:
          return "dict_keys";
        case View::What::kValues:
          return "dict_values";
        case View::What::kItems:
          return "dict_items";
      }
      return "dict_keys";
    case Kind::kIterator:
      return object.iterator().type;
    case Kind::kNamespace:
      return "Namespace";
    case Kind::kLoop:
      return "LoopContext";
    case Kind::kMacro:
      return "Macro";
    case Kind::kFunction:
      return object.function().self.is_none() ? "function" : "builtin_function_or_method";
    case Kind::kCycler:
      return "Cycler";
    case Kind::kJoiner:
      return "Joiner";
  }
  return "object";
}

std::string object_type_repr(const Object& object) {
  if (object.is_none()) return "None";
  std::string module;
  switch (object.kind()) {
    case Kind::kNamespace:
    case Kind::kCycler:
    case Kind::kJoiner:
      module = "jinja2.utils.";
      break;
    case Kind::kUndefined:
    case Kind::kLoop:
    case Kind::kMacro:
      module = "jinja2.runtime.";
      break;
    case Kind::kText:
      if (object.text().markup) module = "markupsafe.";
      break;
    default:
      break;
  }
  return module + std::string(type_name(object)) + " object";
}

}  // namespace candor::text::jinja

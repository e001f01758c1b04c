#include <map>
#include <memory>

#include "base/error.h"
#include "suites/dataset.h"

namespace candor::suites {
namespace {

/// The type of a column as far as keys go: which structs stand where.
struct Shape {
  std::vector<std::string> keys;
  std::map<std::string, std::unique_ptr<Shape>> members;
  std::unique_ptr<Shape> item;

  Shape& member(const std::string& key) {
    std::unique_ptr<Shape>& shape = members[key];
    if (!shape) {
      shape = std::make_unique<Shape>();
      keys.push_back(key);
    }
    return *shape;
  }
};

void learn(Shape& shape, const Value& value);

void learn(Shape& shape, const Dict& dict) {
  for (const Member& member : dict) learn(shape.member(member.key), member.value);
}

void learn(Shape& shape, const Value& value) {
  if (value.is_dict()) {
    learn(shape, value.dict());
  } else if (value.is_list()) {
    for (const Value& item : value.list()) {
      if (!item.is_dict() && !item.is_list()) continue;
      if (!shape.item) shape.item = std::make_unique<Shape>();
      learn(*shape.item, item);
    }
  }
}

bool fits(const Shape& shape, const Dict& dict) {
  if (dict.size() != shape.keys.size()) return false;
  const Member* member = dict.begin();
  for (const std::string& key : shape.keys)
    if ((member++)->key != key) return false;
  return true;
}

/// Members that may be made of absent keys: a file whose rows share no keys would fill the memory.
constexpr std::size_t kMostAbsent = 4'000'000;

std::size_t count_absent(const Shape& shape, const Value& value);

std::size_t count_absent(const Shape& shape, const Dict& dict) {
  std::size_t absent = shape.keys.size() - dict.size();
  for (const Member& member : dict) absent += count_absent(*shape.members.at(member.key), member.value);
  return absent;
}

std::size_t count_absent(const Shape& shape, const Value& value) {
  if (value.is_dict()) return count_absent(shape, value.dict());
  std::size_t absent = 0;
  if (value.is_list() && shape.item)
    for (const Value& item : value.list()) absent += count_absent(*shape.item, item);
  return absent;
}

void apply(const Shape& shape, Value& value);

void apply(const Shape& shape, Dict& dict) {
  if (!fits(shape, dict)) {
    Dict full;
    for (const std::string& key : shape.keys) {
      Value* found = dict.find(key);
      full.set(key, found != nullptr ? std::move(*found) : Value());
    }
    dict = std::move(full);
  }
  for (Member& member : dict) {
    const auto found = shape.members.find(member.key);
    if (found != shape.members.end()) apply(*found->second, member.value);
  }
}

void apply(const Shape& shape, Value& value) {
  if (value.is_dict()) {
    apply(shape, value.dict());
  } else if (value.is_list() && shape.item) {
    for (Value& item : value.list()) apply(*shape.item, item);
  }
}

}  // namespace

void unify_rows(std::vector<Dict>& rows, std::vector<std::string>& columns, const std::string& where) {
  Shape shape;
  for (const Dict& row : rows) learn(shape, row);
  std::size_t absent = 0;
  for (const Dict& row : rows) absent += count_absent(shape, row);
  if (absent > kMostAbsent)
    throw Error(ErrorKind::kBadInput, where, "the rows have too many different keys",
                "give all rows the same keys; put pairs of key and value into lists");
  for (Dict& row : rows) apply(shape, row);
  columns = shape.keys;
}

}  // namespace candor::suites

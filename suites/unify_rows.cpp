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
struct Budget {
  std::size_t left = 20'000'000;

  void spend(std::size_t members) {
    if (members > left)
      throw Error(ErrorKind::kBadInput, "data", "the rows have too many different keys",
                  "give all rows the same keys; put pairs of key and value into lists");
    left -= members;
  }
};

void apply(const Shape& shape, Value& value, Budget& budget);

void apply(const Shape& shape, Dict& dict, Budget& budget) {
  if (!fits(shape, dict)) {
    budget.spend(shape.keys.size());
    Dict full;
    for (const std::string& key : shape.keys) {
      Value* found = dict.find(key);
      full.set(key, found != nullptr ? std::move(*found) : Value());
    }
    dict = std::move(full);
  }
  for (Member& member : dict) {
    const auto found = shape.members.find(member.key);
    if (found != shape.members.end()) apply(*found->second, member.value, budget);
  }
}

void apply(const Shape& shape, Value& value, Budget& budget) {
  if (value.is_dict()) {
    apply(shape, value.dict(), budget);
  } else if (value.is_list() && shape.item) {
    for (Value& item : value.list()) apply(*shape.item, item, budget);
  }
}

}  // namespace

void unify_rows(std::vector<Dict>& rows, std::vector<std::string>& columns) {
  Shape shape;
  for (const Dict& row : rows) learn(shape, row);
  Budget budget;
  for (Dict& row : rows) apply(shape, row, budget);
  columns = shape.keys;
}

}  // namespace candor::suites

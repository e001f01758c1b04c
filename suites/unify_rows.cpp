#include <map>
#include <memory>

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

void unify_rows(std::vector<Dict>& rows, std::vector<std::string>& columns) {
  Shape shape;
  for (const Dict& row : rows) learn(shape, row);
  for (Dict& row : rows) apply(shape, row);
  columns = shape.keys;
}

}  // namespace candor::suites

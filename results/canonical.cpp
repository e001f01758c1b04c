#include "results/canonical.h"

#include <algorithm>

#include "base/json.h"

namespace candor::results {
namespace {

Value with_sorted_keys(const Value& value) {
  if (value.is_list()) {
    Value::List items;
    for (const Value& item : value.list()) items.push_back(with_sorted_keys(item));
    return items;
  }
  if (!value.is_dict()) return value;
  std::vector<const Member*> members;
  for (const Member& member : value.dict()) members.push_back(&member);
  std::sort(members.begin(), members.end(), [](const Member* a, const Member* b) { return a->key < b->key; });
  Dict sorted;
  for (const Member* member : members) sorted.set(member->key, with_sorted_keys(member->value));
  return sorted;
}

}  // namespace

std::string canonical_json(const Value& value) {
  return to_json(with_sorted_keys(value));
}

}  // namespace candor::results

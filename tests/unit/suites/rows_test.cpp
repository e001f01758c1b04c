// Rows as the columns of the `datasets` package have them (schema, "Documents").

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/json.h"
#include "suites/dataset.h"

namespace candor::suites {
namespace {

using testing::ElementsAre;

std::vector<Dict> rows(const char* json) {
  std::vector<Dict> rows;
  Value list = parse_json(json, "rows");
  for (Value& row : list.list()) rows.push_back(std::move(row.dict()));
  return rows;
}

TEST(Rows, AbsentKeysAreNullInEveryRowAtEveryDepth) {
  std::vector<Dict> all = rows(R"([{"a": 1, "s": {"x": 1}}, {"b": 2, "s": {"y": 2}, "l": [{"p": 1}, {"q": 2}]}])");
  std::vector<std::string> columns;
  unify_rows(all, columns, "rows.jsonl");
  EXPECT_THAT(columns, ElementsAre("a", "s", "b", "l"));
  EXPECT_EQ(to_json(Value(all[0])), R"({"a":1,"s":{"x":1,"y":null},"b":null,"l":null})");
  EXPECT_EQ(to_json(Value(all[1])), R"({"a":null,"s":{"x":null,"y":2},"b":2,"l":[{"p":1,"q":null},{"p":null,"q":2}]})");
}

TEST(Rows, TooManyDifferentKeysAreAnErrorNotAFullMemory) {
  std::vector<Dict> all(6000);
  for (std::size_t i = 0; i < all.size(); ++i) all[i].set("key" + std::to_string(i), 1);
  std::vector<std::string> columns;
  EXPECT_THROW(unify_rows(all, columns, "rows.jsonl"), Error);
}

}  // namespace
}  // namespace candor::suites

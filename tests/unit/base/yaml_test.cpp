// Expected values: PyYAML 6's yaml.load(text, CSafeLoader), unless a test says otherwise.
#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"
#include "base/json.h"

namespace candor {
namespace {

std::string json(std::string_view yaml) {
  return to_json(parse_yaml(yaml, "t.yaml"), -1, false);
}

TEST(Yaml, ResolvesPlainScalarsByTheRulesOfVersion11) {
  EXPECT_EQ(json("[yes, No, on, OFF, true, y, n]"), R"([true, false, true, false, true, "y", "n"])");
  EXPECT_EQ(json("[010, 0x1F, 0b101, 1_000, +5, -3, 0]"), "[8, 31, 5, 1000, 5, -3, 0]");
  EXPECT_EQ(json("[1:30, -1:30:05, 1:30.5]"), "[90, -5405, 90.5]");
  EXPECT_EQ(json("[1.5, 1., .5, 1e3, 1.0e+3, 1.0e3]"), R"([1.5, 1.0, 0.5, "1e3", 1000.0, "1.0e3"])");
  EXPECT_EQ(json("[~, null, Null, '']"), R"([null, null, null, ""])");
  EXPECT_EQ(json("[089, 1:90, 0o17, 1__0]"), R"(["089", "1:90", "0o17", 10])");
}

TEST(Yaml, KeepsQuotedScalarsAsText) {
  EXPECT_EQ(json("['yes', \"010\", !!str 5]"), R"(["yes", "010", "5"])");
}

TEST(Yaml, FoldsAndKeepsBlocks) {
  EXPECT_EQ(json("a: |\n  x\n  y\nb: >-\n  x\n  y\n"), R"({"a": "x\ny\n", "b": "x y"})");
}

TEST(Yaml, MergesMappings) {
  EXPECT_EQ(json("base: &b {x: 1, y: 2}\nmine:\n  <<: *b\n  y: 3\n"),
            R"({"base": {"x": 1, "y": 2}, "mine": {"x": 1, "y": 3}})");
}

TEST(Yaml, ShowsFunctionTags) {
  EXPECT_EQ(json("f: !function utils.process"), R"({"f": {"!function": "utils.process"}})");
}

TEST(Yaml, RemembersLines) {
  const Value value = parse_yaml("a: 1\nb:\n  c: 2\n", "t.yaml");
  EXPECT_EQ(value.find("b")->find("c")->line(), 3);
}

TEST(Yaml, RefusesMalformedTextNamingTheLine) {
  try {
    parse_yaml("a: 1\nb: [1, 2\nc: 3\n", "tasks/x.yaml");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(std::string(error.what()).find("tasks/x.yaml:"), 0u) << error.what();
  }
}

TEST(Yaml, RefusesAnAliasBomb) {
  std::string bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n";
  for (int i = 1; i < 10; ++i) {
    const std::string name = "a" + std::to_string(i), last = "*a" + std::to_string(i - 1);
    bomb += name + ": &" + name + " [";
    for (int k = 0; k < 10; ++k) bomb += (k ? "," : "") + last;
    bomb += "]\n";
  }
  EXPECT_THROW(parse_yaml(bomb, "t.yaml"), Error);
}

TEST(Yaml, RefusesDepthThatCouldOverflowTheStack) {
  EXPECT_THROW(parse_yaml(std::string(100000, '['), "t.yaml"), Error);
}

}  // namespace
}  // namespace candor

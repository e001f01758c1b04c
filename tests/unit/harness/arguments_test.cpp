#include "harness/arguments.h"

#include <gmock/gmock.h>

#include "base/error.h"

namespace candor::harness {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class ArgumentsTest : public testing::Test {
 protected:
  ArgumentsTest() {
    arguments_.add({.names = "file", .help = "A file", .value = "FILE", .required = true}, file_);
    arguments_.add({.names = "--model,-m", .help = "A model", .value = "MODEL"}, models_);
    arguments_.add({.names = "--limit", .help = "A limit", .value = "N"}, limit_);
    arguments_.add({.names = "--device", .help = "A device", .value = "NAME", .choices = {"cpu", "cuda"}}, device_);
  }

  std::string error_of(std::vector<std::string> line) {
    try {
      arguments_.parse(line);
    } catch (const Error& error) {
      EXPECT_EQ(error.exit_code(), 2);
      return error.what();
    }
    return "no error";
  }

  Arguments arguments_{"score", "Scores", "candor score --model m f"};
  std::string file_, device_ = "cpu";
  std::vector<std::string> models_;
  std::optional<int> limit_;
};

TEST_F(ArgumentsTest, RepeatedOptionTakesOneValueEachTime) {
  arguments_.parse(std::vector<std::string>{"--model", "a", "-m", "b", "requests.jsonl"});
  EXPECT_THAT(models_, ElementsAre("a", "b"));
  EXPECT_EQ(file_, "requests.jsonl");
}

TEST_F(ArgumentsTest, DashIsAFile) {
  arguments_.parse(std::vector<std::string>{"-", "--limit=3"});
  EXPECT_EQ(file_, "-");
  EXPECT_EQ(limit_, 3);
}

TEST_F(ArgumentsTest, MisspeltOptionNamesTheRightOne) {
  EXPECT_THAT(error_of({"f", "--modle", "a"}), HasSubstr("did you mean '--model'"));
}

TEST_F(ArgumentsTest, MissingFileIsAnError) {
  EXPECT_THAT(error_of({"--limit", "3"}), HasSubstr("file"));
}

TEST_F(ArgumentsTest, TextForANumberIsAnError) {
  EXPECT_THAT(error_of({"f", "--limit", "many"}), HasSubstr("limit"));
}

TEST_F(ArgumentsTest, ValueOutsideTheChoicesIsAnError) {
  EXPECT_THAT(error_of({"f", "--device", "tpu"}), HasSubstr("tpu"));
}

TEST_F(ArgumentsTest, ErrorsAreOneLine) {
  EXPECT_THAT(error_of({"f", "--device", "tpu"}), Not(HasSubstr("\n")));
}

TEST_F(ArgumentsTest, HelpShowsOptionsAndExample) {
  const std::optional<std::string> help = arguments_.parse(std::vector<std::string>{"--help"});
  ASSERT_TRUE(help.has_value());
  EXPECT_THAT(*help, HasSubstr("--model"));
  EXPECT_THAT(*help, HasSubstr("candor score --model m f"));
}

}  // namespace
}  // namespace candor::harness

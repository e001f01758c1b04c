// Cutting to the model's context, on a vocabulary of single bytes (lm_eval/models/huggingface.py).

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "golden.h"

namespace candor::suites {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

/// Byte-level BPE without merges: a token per letter; no token is added by itself.
text::Tokenizer letters() {
  return text::Tokenizer::from_json(R"({"version": "1.0", "truncation": null, "padding": null,
    "added_tokens": [{"id": 0, "content": "<s>", "single_word": false, "lstrip": false, "rstrip": false,
                      "normalized": false, "special": true}],
    "normalizer": null,
    "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": false},
    "post_processor": null, "decoder": {"type": "ByteLevel"},
    "model": {"type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null,
              "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": false,
              "vocab": {"<s>": 0, "a": 1, "b": 2, "c": 3, "d": 4, "e": 5, "Ġ": 6, "Ċ": 7}, "merges": []}})",
                                    "letters",
                                    {.bos_token = "<s>", .eos_token = {}, .add_bos_token = {}, .add_eos_token = {}});
}

TEST(Encode, TrailingSpaceOfTheContextMovesToTheContinuation) {
  const EncodedPair pair = encode_pair(letters(), "ab \n", "c", 100);
  EXPECT_THAT(pair.context, ElementsAre(1, 2));
  EXPECT_THAT(pair.continuation, ElementsAre(6, 7, 3));
}

TEST(Encode, AnEmptyContextIsThePrefixToken) {
  EXPECT_THAT(encode_pair(letters(), "", "ab", 100).context, ElementsAre(0));
  const EncodedPair begins_with_it = encode_pair(letters(), "", "<s>ab", 100);
  EXPECT_THAT(begins_with_it.context, ElementsAre(0));
  EXPECT_THAT(begins_with_it.continuation, ElementsAre(1, 2));
}

/// The reference fails here (schema, defect D4).
TEST(Encode, AContextOfWhiteSpaceIsThePrefixTokenToo) {
  const EncodedPair pair = encode_pair(letters(), " ", "a", 100);
  EXPECT_THAT(pair.context, ElementsAre(0));
  EXPECT_THAT(pair.continuation, ElementsAre(6, 1));
}

TEST(Encode, TooLongPairsLoseTheirLeftAndKeepOneTokenMoreThanTheContextHolds) {
  const EncodedPair pair = encode_pair(letters(), "abcde", "ab", 4);
  EXPECT_THAT(pair.context, ElementsAre(3, 4, 5));
  EXPECT_THAT(pair.continuation, ElementsAre(1, 2));
  const EncodedPair long_answer = encode_pair(letters(), "a", "bcdea", 3);
  EXPECT_THAT(long_answer.context, ElementsAre(3));
  EXPECT_THAT(long_answer.continuation, ElementsAre(4, 5, 1));
}

TEST(Encode, PromptsKeepTheirEnd) {
  EXPECT_THAT(encode_prompt(letters(), "abcde", 5, 2), ElementsAre(3, 4, 5));
}

TEST(Encode, RollingWindowsPredictEveryTokenOnceWithAsMuchContextAsFits) {
  const std::vector<EncodedPair> windows = encode_rolling(letters(), "abcdeab", 3);
  ASSERT_EQ(windows.size(), 3u);
  EXPECT_THAT(windows[0].context, ElementsAre(0));
  EXPECT_THAT(windows[0].continuation, ElementsAre(1, 2, 3));
  EXPECT_THAT(windows[1].context, ElementsAre(3));
  EXPECT_THAT(windows[1].continuation, ElementsAre(4, 5, 1));
  EXPECT_THAT(windows[2].context, ElementsAre(4, 5, 1));
  EXPECT_THAT(windows[2].continuation, ElementsAre(2));
  EXPECT_THAT(encode_rolling(letters(), "", 3), IsEmpty());
}

}  // namespace
}  // namespace candor::suites

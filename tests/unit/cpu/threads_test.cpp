#include "engine/cpu/threads.h"

#include <gtest/gtest.h>

#include <stdexcept>

namespace candor::cpu {
namespace {

TEST(Threads, RunEveryTaskOnce) {
  for (const int count : {1, 2, 5}) {
    Threads threads(count);
    EXPECT_EQ(threads.count(), count);
    for (int round = 0; round < 200; ++round) {
      std::vector<std::atomic<int>> done(static_cast<std::size_t>(round));
      threads.parallel(round, [&](std::int64_t task, int) { ++done[static_cast<std::size_t>(task)]; });
      for (const auto& times : done) ASSERT_EQ(times.load(), 1);
    }
  }
}

TEST(Threads, CarryTheFirstExceptionToTheCaller) {
  Threads threads(3);
  EXPECT_THROW(threads.parallel(100,
                                [](std::int64_t task, int) {
                                  if (task == 40) throw std::runtime_error("task");
                                }),
               std::runtime_error);
  int sum = 0;
  Threads alone(1);
  alone.parallel(4, [&](std::int64_t task, int) { sum += static_cast<int>(task); });
  EXPECT_EQ(sum, 6);
}

}  // namespace
}  // namespace candor::cpu

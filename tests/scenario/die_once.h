#pragma once

#include <algorithm>
#include <gtest/gtest.h>

#include "tests/doubles/toy.h"

namespace fedtrial::scenario {

// One run per journal record of the actor from `first` on in steps of `every`, in which it dies right before or right
// after that record is durable: the same model must come out as in a quiet run.
inline void DieOnce(SiteId actor, bool before, std::uint64_t first, std::uint64_t every) {
  doubles::Toy quiet(doubles::ToyPlan{});
  ASSERT_TRUE(quiet->Run().ok());
  std::uint64_t records = first + 1;
  for (std::uint64_t at = first; at < records; at += every) {
    simulation::SimHooks hooks;
    bool died = false;
    hooks.crash = [&](SiteId who, std::uint64_t record, bool is_before) {
      if (who != actor) return false;
      records = std::max(records, record + 1);
      if (died || record != at || is_before != before) return false;
      return died = true;
    };
    doubles::Toy toy(doubles::ToyPlan{}, hooks);
    ASSERT_TRUE(toy->Run({}, std::chrono::hours(3)).ok()) << ToString(actor) << " at record " << at;
    ASSERT_TRUE(toy->finished()) << ToString(actor) << " at record " << at << (before ? " before" : " after");
    EXPECT_EQ(toy.check.wrong(), 0u);
    EXPECT_EQ(toy->trial().links(), quiet->trial().links());
    for (const auto& record : toy->trial().history()) EXPECT_TRUE(record.committed) << record.failure;
    EXPECT_TRUE(doubles::SecretsClosed(*toy));
  }
  EXPECT_GT(records, 20u);
}

}  // namespace fedtrial::scenario

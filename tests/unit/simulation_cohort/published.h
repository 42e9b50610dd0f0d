#pragma once

#include "gtest/gtest.h"
#include "tests/simulation/cohort/generate.h"

namespace fedtrial::sim {

// The parameters of published frequencies, as they are delivered.
inline const CohortParameters& Published() {
  static const CohortParameters parameters = [] {
    auto read = PublishedCohortParameters();
    EXPECT_TRUE(read.ok()) << read.error().message;
    return std::move(read).value();
  }();
  return parameters;
}

}  // namespace fedtrial::sim

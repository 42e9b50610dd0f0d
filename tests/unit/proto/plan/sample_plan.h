#pragma once

#include <fstream>
#include <gtest/gtest.h>
#include <iterator>
#include <string>

#include "proto/plan/plan.h"

namespace fedtrial {

// The plan that is delivered: deploy/config/plan.toml.
inline std::string SampleToml() {
  std::ifstream file(FEDTRIAL_SOURCE_DIR "/deploy/config/plan.toml");
  EXPECT_TRUE(file.good());
  return {std::istreambuf_iterator<char>(file), {}};
}

// A small plan, complete in every required entry.
inline std::string SmallToml() {
  return R"([trial]
id = "small"
seed = 7
[endpoint.os]
time = "outcome.os_day"
event = "outcome.os_event"
cuts = [100, 200.5]
[cohort]
min_patients = 10
[[feature]]
name = "age"
from = "participants.age"
range = [0, 120]
[[feature]]
name = "sex"
from = "participants.sex"
levels = ["F", "M"]
[[block]]
name = "risk"
kind = "linear"
features = ["age", "sex"]
[[step]]
task = "normalise"
[[step]]
task = "grid"
[[step]]
task = "train"
rounds = 5
[rules]
sites = 10
[encoding]
patient_cap = 100
)";
}

// With `from`, which must be there, written as `to`.
inline std::string With(std::string text, const std::string& from, const std::string& to) {
  const std::size_t place = text.find(from);
  EXPECT_NE(place, std::string::npos) << from;
  return place == std::string::npos ? text : text.replace(place, from.size(), to);
}

inline Plan MustParse(const std::string& toml) {
  auto plan = ParsePlan(toml, "plan.toml");
  EXPECT_TRUE(plan.ok()) << plan.error().message;
  return plan.ok() ? std::move(plan).value() : Plan{};
}

}  // namespace fedtrial

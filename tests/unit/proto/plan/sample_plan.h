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

// What is changed in a plan's text, and a part of what must be said of it.
struct Fault {
  const char* from;
  const char* to;
  const char* wanted;
};

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

// A small plan of a network of age, follow-up 300 days; the parts are lines of TOML.
struct SmallNetwork {
  unsigned seed = 7;
  std::string endpoint{};  // more entries of it
  std::string features{};  // more of them, each with its [[feature]]
  std::string clinical = R"("age")";
  std::string modalities{};  // more blocks, each with its [[block]]
  std::string heads{};
  std::string network{};                  // more entries of it, and whole tables
  std::string training = "rounds = 1\n";  // entries of the train step; "": none
  std::string more{};                     // steps and tables after it

  std::string Toml() const {
    std::string text = "[trial]\nid = \"small\"\nseed = " + std::to_string(seed) + R"(
[endpoint.os]
time = "outcome.os_day"
event = "outcome.os_event"
cuts = [100, 200]
)" + endpoint + R"([cohort]
min_patients = 3
[[feature]]
name = "age"
from = "participants.age_y"
range = [0, 120]
)" + features + R"([[block]]
name = "clinical"
kind = "static"
features = [)" + clinical +
                       "]\n" + modalities + R"([[block]]
name = "fusion"
kind = "fusion"
[[block]]
name = "survival"
kind = "head"
target = "endpoint.os"
)" + heads + "[network]\npreset = \"tiny\"\n" +
                       network + R"([[step]]
task = "normalise"
[[step]]
task = "grid"
)";
    if (!training.empty()) text += "[[step]]\ntask = \"train\"\nblock = \"fusion\"\n" + training;
    return text + more + R"([rules]
sites = 3
min_sites = 3
threshold = 3
[encoding]
patient_cap = 100
)";
  }
};

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

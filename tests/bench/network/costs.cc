#include "tests/bench/network/costs.h"

#include <array>
#include <cstdio>
#include <fmt/format.h>
#include <map>
#include <vector>

#include "common/runtime/files.h"
#include "proto/plan/layout.h"
#include "site_node/shell/what_leaves.h"
#include "tests/bench/figure.h"
#include "tests/bench/network/training.h"
#include "tests/support/peak_memory.h"

namespace fedtrial::bench {
namespace {

constexpr double kMegabyte = 1e6;

struct Cost {
  double seconds = 0.0, mib = 0.0;
};

Cost Ask(const std::filesystem::path& program, const std::string& stage, const std::string& preset, std::size_t side,
         bool tiny) {
  const std::string command =
      fmt::format("'{}' --cost {} {} {}{}", program.string(), stage, preset, side, tiny ? " --tiny" : "");
  FILE* output = popen(command.c_str(), "r");
  if (output == nullptr) Fail("no process can be started");
  Cost cost;
  const int read = std::fscanf(output, "%lf %lf", &cost.seconds, &cost.mib);
  if (pclose(output) != 0 || read != 2) Fail(fmt::format("{}: it failed", command));
  return cost;
}

std::string With(std::string text, const std::string& from, const std::string& to) {
  const std::size_t place = text.find(from);
  if (place == std::string::npos) Fail(fmt::format("the plan has no {}", from));
  return text.replace(place, from.size(), to);
}

// Of each train step of a plan. What comes back is the next model, which has every tensor that some step trains once.
void PrintPlan(const std::string& name, const std::string& toml) {
  const Plan plan = Must(ParsePlan(toml, name));
  std::map<std::string, double> model;
  const auto vectors = Must(site::WhatLeaves(plan, {}));
  for (const site::LeavingVector& vector : vectors)
    if (vector.task == "train")
      for (const TensorSpec& spec : vector.manifest.tensors)
        if (!spec.name.starts_with("loss/"))
          model[spec.name] = static_cast<double>(spec.elements() * SizeOf(spec.type));
  double download = 0.0;
  for (const auto& [tensor, bytes] : model) download += bytes;
  for (const site::LeavingVector& vector : vectors) {
    if (vector.task != "train") continue;
    const double upload = static_cast<double>(vector.manifest.Words() * vector.manifest.encoding.word_bits) / 8.0;
    fmt::print("{:<104} {:>8.3f} {:>8.3f} {:>8.3f}\n", fmt::format("{}: {}", name, vector.what), upload / kMegabyte,
               download / kMegabyte, (upload + download) / kMegabyte);
  }
}

}  // namespace

int MeasureCost(const std::string& stage, const std::string& preset, std::size_t side, bool tiny) {
  double seconds = 0.0;
  if (stage == "encoder") {
    const BenchSite site(preset, side, 1);
    seconds = site.EncoderStep(Clock::kCpu) * static_cast<double>(kVolumesOfPatient) / kBatchVolumes;
  } else {
    const BenchSite site(preset, side, tiny ? 8 : 32);
    site.HeadsEpoch(Clock::kCpu);
    seconds = site.HeadsEpoch(Clock::kCpu) / static_cast<double>(site.patients());
  }
  fmt::print("{} {}\n", seconds, static_cast<double>(PeakResidentBytes()) / (1024.0 * 1024.0));
  return 0;
}

void PrintCosts(const std::filesystem::path& program, bool tiny) {
  fmt::print("\n{:<8} {:>7} {:>22} {:>12} {:>22} {:>12}\n", "preset", "voxels", "encoder, s a patient", "peak MiB",
             "heads, s a patient", "peak MiB");
  const std::vector<std::size_t> sides = tiny ? std::vector<std::size_t>{16} : std::vector<std::size_t>{32, 64};
  for (const char* preset : {"tiny", "small"}) {
    for (const std::size_t side : sides) {
      const Cost encoder = Ask(program, "encoder", preset, side, tiny);
      const Cost heads = Ask(program, "heads", preset, side, tiny);
      fmt::print("{:<8} {:>7} {:>22.3f} {:>12.0f} {:>22.5f} {:>12.0f}\n", preset, fmt::format("{}^3", side),
                 encoder.seconds, encoder.mib, heads.seconds, heads.mib);
      std::fflush(stdout);
    }
  }
}

void PrintTraffic() {
  fmt::print("\n{:<104} {:>8} {:>8} {:>8}\n", "MB a site and round of training", "up", "down", "both");
  const std::filesystem::path config = std::filesystem::path(FEDTRIAL_SOURCE_DIR) / "deploy/config";
  const auto text = [&](const char* file) {
    const Bytes bytes = Must(ReadWholeFile(config / file, std::size_t{1} << 20));
    return std::string(AsText(bytes));
  };
  const std::string network = text("glioma_mri_plan.toml");
  for (const char* preset : {"tiny", "small"})
    PrintPlan(preset, With(network, "preset = \"tiny\"", fmt::format("preset = \"{}\"", preset)));
  PrintPlan("linear", text("brca_plan.toml"));
}

}  // namespace fedtrial::bench

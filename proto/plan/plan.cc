#include "proto/plan/plan.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>

namespace fedtrial {

std::string_view ToString(Phase phase) {
  static constexpr std::array<std::string_view, 8> kNames{"hello", "keys",   "shares", "masked",
                                                          "agree", "unmask", "commit", "failed"};
  const auto index = static_cast<std::size_t>(phase);
  return index < kNames.size() ? kNames[index] : "unknown";
}

std::string_view ToString(BlockKind kind) {
  static constexpr std::array<std::string_view, 6> kNames{"linear", "static", "panel", "mri", "fusion", "head"};
  const auto index = static_cast<std::size_t>(kind);
  return index < kNames.size() ? kNames[index] : "unknown";
}

bool IsModality(BlockKind kind) {
  return kind == BlockKind::kStatic || kind == BlockKind::kPanel || kind == BlockKind::kMri;
}

std::string Feature::Table() const { return from.substr(0, from.find(IsLong() ? '[' : '.')); }

const Endpoint* Plan::FindEndpoint(std::string_view name) const {
  const auto found =
      std::find_if(endpoints.begin(), endpoints.end(), [name](const Endpoint& e) { return e.name == name; });
  return found == endpoints.end() ? nullptr : &*found;
}

const Block* Plan::FindBlock(std::string_view name) const {
  const auto found = std::find_if(blocks.begin(), blocks.end(), [name](const Block& b) { return b.name == name; });
  return found == blocks.end() ? nullptr : &*found;
}

const Block* Plan::Fusion() const {
  const auto found = std::ranges::find(blocks, BlockKind::kFusion, &Block::kind);
  return found == blocks.end() ? nullptr : &*found;
}

std::vector<const Block*> Plan::Panels() const {
  std::vector<const Block*> panels;
  for (const Block& block : blocks)
    if (block.kind == BlockKind::kPanel) panels.push_back(&block);
  return panels;
}

std::vector<const Block*> Plan::Modalities() const {
  std::vector<const Block*> modalities;
  for (const Block& block : blocks)
    if (IsModality(block.kind)) modalities.push_back(&block);
  return modalities;
}

const Block* Plan::PseudoProgression() const {
  const auto found = std::ranges::find(blocks, HeadTarget::kPseudoProgression, &Block::target);
  return found == blocks.end() ? nullptr : &*found;
}

namespace {

std::vector<Replica> ReplicasUpTo(unsigned repeats, unsigned folds) {
  std::vector<Replica> replicas(1);
  for (unsigned repeat = 1; repeat <= repeats; ++repeat) {
    for (unsigned fold = 1; fold <= folds; ++fold)
      replicas.push_back({fmt::format("r{:02}k{}/", repeat, fold), repeat, fold});
  }
  return replicas;
}

}  // namespace

std::vector<Replica> Replicas(const Plan& plan) { return ReplicasUpTo(plan.folds.repeats, plan.folds.folds); }

std::vector<Replica> Replicas(const Plan& plan, const Block& block) {
  return ReplicasUpTo(RepeatsOf(plan, block), plan.folds.folds);
}

unsigned RepeatsOf(const Plan& plan, const Block& block) {
  if (block.kind == BlockKind::kLinear) return plan.folds.repeats;
  return std::min(plan.network.repeats.value_or(plan.folds.repeats), plan.folds.repeats);
}

}  // namespace fedtrial

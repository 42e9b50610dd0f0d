#include "proto/plan/network.h"

#include <algorithm>
#include <fmt/format.h>

#include "proto/plan/task_kinds.h"

namespace fedtrial {
namespace {

NetworkSizes SizesOf(Preset preset) {
  switch (preset) {
    case Preset::kTiny:
      return NetworkSizes::Tiny();
    case Preset::kSmall:
      return NetworkSizes::Small();
    case Preset::kBase:
      return NetworkSizes::Base();
  }
  return NetworkSizes::Small();
}

Result<HeadShape> ShapeOf(const Plan& plan, const Block& block, const ModelHeader& before) {
  HeadShape head{block.name, HeadKind::kHazard, 0, block.hidden};
  std::string_view endpoint = block.endpoint;
  switch (block.target) {
    case HeadTarget::kLabel:
      head.kind = block.share ? HeadKind::kMethylation : HeadKind::kBinary;
      return head;
    case HeadTarget::kPseudoProgression:
      head.kind = HeadKind::kBinary;
      return head;
    case HeadTarget::kEmbedding:
      head.kind = HeadKind::kEmbedding;
      endpoint = plan.endpoints.front().name;
      break;
    case HeadTarget::kEndpoint: {
      const Endpoint* found = plan.FindEndpoint(endpoint);
      if (found != nullptr && found->kind == EndpointKind::kIllnessDeath) head.kind = HeadKind::kIllnessDeath;
      break;
    }
    case HeadTarget::kNone:
      return Error{ErrorCode::kInternal, fmt::format("head \"{}\" has no target", block.name)};
  }
  ASSIGN_OR_RETURN(head.bins, BinsOf(plan, endpoint, before));
  return head;
}

}  // namespace

Result<NetworkShape> NetworkOf(const Plan& plan, const ModelHeader& before) {
  const Block* fusion = plan.Fusion();
  if (fusion == nullptr) return Error{ErrorCode::kInvalidInput, "the plan has no block of kind \"fusion\""};
  NetworkShape shape;
  shape.sizes = SizesOf(plan.network.preset);
  shape.fusion = fusion->name;
  shape.pretrains = std::ranges::any_of(plan.steps, [](const Step& step) {
    const auto* train = std::get_if<TrainStep>(&step.settings);
    return train != nullptr && train->stage == NetworkStage::kEncoder;
  });
  for (const Block& block : plan.blocks) {
    switch (block.kind) {
      case BlockKind::kStatic:
        shape.statics.push_back({block.name, block.features.size(), block.treatment});
        break;
      case BlockKind::kPanel:
        shape.panels.push_back({block.name, block.features.size()});
        break;
      case BlockKind::kMri:
        shape.mri = block.name;
        break;
      case BlockKind::kHead: {
        ASSIGN_OR_RETURN(HeadShape head, ShapeOf(plan, block, before));
        shape.heads.push_back(std::move(head));
        break;
      }
      case BlockKind::kLinear:
      case BlockKind::kFusion:
        break;
    }
  }
  return shape;
}

bool IsNetwork(const Plan& plan, std::string_view block) {
  const Block* fusion = plan.Fusion();
  return fusion != nullptr && fusion->name == block;
}

std::set<std::string> TrainedBlocks(const NetworkShape& shape, NetworkStage stage) {
  const std::vector<std::string> all = NetworkBlocks(shape);
  std::set<std::string> encoder;
  if (!shape.mri.empty()) encoder = {shape.mri, DecoderBlock(shape.mri)};
  std::set<std::string> trained;
  for (const std::string& block : all) {
    const bool wanted = stage == NetworkStage::kEncoder ? encoder.contains(block)
                        : stage == NetworkStage::kHeads ? !encoder.contains(block)
                                                        : block != DecoderBlock(shape.mri);
    if (wanted) trained.insert(block);
  }
  return trained;
}

bool PredictsLabel(const Block& block) {
  return block.target == HeadTarget::kLabel || block.target == HeadTarget::kPseudoProgression;
}

const Block* HeadOf(const Plan& plan, std::string_view endpoint) {
  for (const Block& block : plan.blocks)
    if (block.target == HeadTarget::kEndpoint && block.endpoint == endpoint) return &block;
  return nullptr;
}

}  // namespace fedtrial

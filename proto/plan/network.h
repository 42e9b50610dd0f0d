#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "model/params/model.h"
#include "model/params/network_shape.h"
#include "proto/plan/plan.h"

namespace fedtrial {

// The network of a plan with a fusion: its modalities and heads in the plan's order. The bins of a head are those of
// its endpoint's cuts, of the plan or else of the model (`before`); an embedding learns from the plan's first endpoint.
// kInvalidInput for a plan without a fusion, kIntegrity if cuts are still to be found.
Result<NetworkShape> NetworkOf(const Plan& plan, const ModelHeader& before);

// Whether the block is the plan's fusion: a train step of it trains the network, all its blocks together.
bool IsNetwork(const Plan& plan, std::string_view block);
// Blocks that a step of this stage trains and sends.
std::set<std::string> TrainedBlocks(const NetworkShape& shape, NetworkStage stage);
// Whether the block is a head that predicts 0 or 1.
bool PredictsLabel(const Block& block);
// The head that predicts the endpoint: what an evaluation of the network scores. Null: none.
const Block* HeadOf(const Plan& plan, std::string_view endpoint);

}  // namespace fedtrial

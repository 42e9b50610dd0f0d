#include "coordinator/tasks/network_start.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <set>

#include "model/params/model.h"
#include "proto/plan/network.h"
#include "security/crypto/seeded_random.h"
#include "security/crypto/sha256.h"

namespace fedtrial::coordinator {
namespace {

// Those of the plan's list, or all of the network's that the file has a tensor of.
Result<std::set<std::string>> TakenBlocks(const StartFile& start, const NetworkShape& shape, const Model& file) {
  const std::vector<std::string> all = NetworkBlocks(shape);
  std::set<std::string> there;
  for (const auto& [name, tensor] : file.tensors) there.insert(name.substr(0, name.find('/')));
  std::set<std::string> taken;
  for (const std::string& block : start.blocks) {
    if (std::ranges::find(all, block) == all.end())
      return Error{ErrorCode::kInvalidInput,
                   fmt::format("the network has no block \"{}\", wanted some of: {}", block, fmt::join(all, ", "))};
    taken.insert(block);
  }
  if (taken.empty())
    std::ranges::copy_if(all, std::inserter(taken, taken.end()),
                         [&there](const std::string& block) { return there.contains(block); });
  if (taken.empty())
    return Error{ErrorCode::kInvalidInput,
                 fmt::format("it has no tensor of the network, wanted some of the blocks: {}", fmt::join(all, ", "))};
  return taken;
}

Status CheckTensor(const TensorSpec& wanted, const Tensor& got) {
  if (got.shape != wanted.shape || got.type() != wanted.type)
    return Error{ErrorCode::kInvalidInput, fmt::format("tensor \"{}\" is {} of {}, the plan's network wants {} of {}",
                                                       wanted.name, ShapeText(got.shape), ToString(got.type()),
                                                       ShapeText(wanted.shape), ToString(wanted.type))};
  for (std::size_t i = 0; i < got.size(); ++i)
    if (!std::isfinite(got.at(i)))
      return Error{ErrorCode::kInvalidInput,
                   fmt::format("tensor \"{}\": value {} is {}, wanted a finite number", wanted.name, i, got.at(i))};
  return {};
}

Result<StartFileTensors> TakeTensors(const Plan& plan, ByteView bytes) {
  ASSIGN_OR_RETURN(Model file, DecodeModel(bytes));
  ASSIGN_OR_RETURN(const NetworkShape shape, NetworkOf(plan, {}));
  ASSIGN_OR_RETURN(const auto network, NetworkTensors(shape, plan.precision));
  ASSIGN_OR_RETURN(const std::set<std::string> taken, TakenBlocks(*plan.network.start, shape, file));
  StartFileTensors tensors;
  for (const NetworkTensor& tensor : network) {
    if (!taken.contains(std::string(tensor.spec.block()))) continue;
    const auto found = file.tensors.find(tensor.spec.name);
    if (found == file.tensors.end())
      return Error{ErrorCode::kInvalidInput,
                   fmt::format("tensor \"{}\" isn't there, wanted every tensor of block \"{}\"", tensor.spec.name,
                               tensor.spec.block())};
    RETURN_IF_ERROR(CheckTensor(tensor.spec, found->second));
    tensors.emplace(tensor.spec.name, std::move(found->second));
  }
  return tensors;
}

}  // namespace

Result<StartFileTensors> ReadStartFile(const Plan& plan, ByteView file) {
  const StartFile& start = *plan.network.start;
  const std::string where = fmt::format("start file {}", start.file);
  if (const Digest digest = Sha256(file); digest != start.sha256)
    return Error{ErrorCode::kIntegrity,
                 fmt::format("{}: its SHA-256 is {}, the plan wants {}", where, ToHex(digest), ToHex(start.sha256))};
  auto tensors = TakeTensors(plan, file);
  if (!tensors.ok()) return tensors.error().In(where);
  return tensors;
}

Result<std::map<std::string, Tensor>> NetworkStartValues(const Plan& plan, const NetworkShape& shape,
                                                         const StartFileTensors& from_file) {
  SeededRandom random(Sha256(ByteWriter().Label("fl/start/v1").U64(plan.seed).bytes()));
  ASSIGN_OR_RETURN(auto tensors, StartTensors(shape, plan.precision, random));
  for (const auto& [name, tensor] : from_file) tensors[name] = tensor;
  return tensors;
}

}  // namespace fedtrial::coordinator

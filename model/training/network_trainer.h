#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "model/params/network_shape.h"
#include "model/params/tensor.h"
#include "model/samples/volume.h"
#include "model/training/patient_input.h"
#include "model/training/training_settings.h"

namespace fedtrial {

// One replica of a network as the round starts, and what of it this round trains.
struct NetworkTask {
  NetworkShape shape;
  InputMap map;
  ScalarType precision = ScalarType::kFloat32;
  const std::map<std::string, Tensor>* model = nullptr;  // not owned
  std::string prefix;                                    // of the replica: "" or "r03k2/"
  std::set<std::string> trained;                         // blocks (NetworkBlocks); all others stay as they are
  TaskWeights weights;
};

struct NetworkUpdate {
  // After - before of every tensor of a trained block, by name without prefix; exact zeros where patients is 0.
  std::map<std::string, Tensor> delta;
  std::map<std::string, std::size_t> patients;  // who fill each block (PatientsPerBlock): its weight
  std::vector<std::size_t> labels;              // of this site, by head
  std::vector<double> loss_before;              // by head: mean over its labels under the model given, 0 without any
};

// Images of the patients. With a volume encoder that is trained every batch loads its volumes; otherwise each volume's
// token is computed once and kept in `tokens`, which the caller may carry from round to round as long as the encoder's
// block stays as it is, and must empty otherwise.
struct ImageInputs {
  const VolumeSource* source = nullptr;  // null: no patient has a volume that `tokens` lacks
  VolumeTokens* tokens = nullptr;        // null: none are kept
};

// Local training: `epochs` passes over the patients with a label, in mini-batches. The same task, inputs, seed, machine
// and thread count give the same bits, whether in one go or resumed.
// kInvalidInput on inputs that don't fit, volumes that can't be used or training that diverges; kIntegrity on a model
// that isn't of the shape; kUnavailable if it was cancelled, or the device isn't there.
Result<NetworkUpdate> TrainNetwork(const NetworkTask& task, std::span<const PatientInput> inputs,
                                   const ImageInputs& images, const NetworkSettings& settings);

}  // namespace fedtrial

#pragma once

#include <optional>
#include <vector>

#include "model/nets/fusion.h"
#include "model/nets/network_batch.h"
#include "model/nets/parameters.h"
#include "model/params/network_shape.h"

namespace fedtrial {

// What one head says of B patients.
struct HeadOutput {
  // kHazard, kEmbedding: logits [B, bins] of the hazard. kIllnessDeath: [B, 3, bins] of 0->1, 0->2 and 1->2.
  // kMethylation: [B, 2], logit of methylated and logit of the share. kBinary: [B, 1].
  at::Tensor values;
  at::Tensor clock;      // kIllnessDeath: [1], what log(1 + steps until recurrence) adds to the logit of 1->2
  at::Tensor embedding;  // kEmbedding: [B, embedding], of length 1
};

// The multimodal network as a function of its numbers: encoders of tables, panels and volumes, one masked fusion with a
// query a head, heads with a linear skip beside a residual that starts at zero. Every call gives the same bits for the
// same input. The shape has passed NetworkTensors and the parameters ParametersFrom; LibTorch's exceptions come
// through.
class Network {
 public:
  // `parameters` must outlive the network and may be changed between two calls.
  Network(NetworkShape shape, const ParameterMap& parameters) : shape_(std::move(shape)), parameters_(parameters) {}
  const NetworkShape& shape() const { return shape_; }

  // volumes [N, volume_channels, z, y, x], no_lesion [N, 1] (see VolumeToken). Gives [N, width].
  at::Tensor EncodeVolumes(const at::Tensor& volumes, const at::Tensor& no_lesion) const;

  at::Tensor LesionCentre() const;  // [kLesionFigures]

  // Encodes and rebuilds (NetworkShape::pretrains): kPatchSide^3 numbers at each place of the last feature map, from
  // the features there and the whole volume's token. Gives [N, 1, kPatchSide z', kPatchSide y', kPatchSide x'].
  at::Tensor DecodeVolumes(const at::Tensor& volumes, const at::Tensor& no_lesion) const;

  // One output a head. `dropout` only in training; null: none.
  std::vector<HeadOutput> Forward(const NetworkBatch& batch, const Dropout* dropout = nullptr) const;

 private:
  Scope Block(std::string_view name) const { return {parameters_, std::string(name) + "/"}; }
  at::Tensor Timed(const at::Tensor& tokens, const at::Tensor& weeks) const;
  at::Tensor Missing(std::string_view modality, int64_t batch) const;
  at::Tensor StaticToken(const StaticShape& block, const NetworkBatch::Statics& values) const;
  at::Tensor PanelTokens(const PanelShape& panel, const NetworkBatch::Panel& values) const;
  at::Tensor ImageTokens(const NetworkBatch::Images& images) const;
  at::Tensor Queries(const at::Tensor& landmark_weeks) const;
  at::Tensor LinearSkip(std::size_t head, const NetworkBatch& batch) const;
  HeadOutput Answer(std::size_t head, const at::Tensor& state, const NetworkBatch& batch) const;

  NetworkShape shape_;
  const ParameterMap& parameters_;
};

}  // namespace fedtrial

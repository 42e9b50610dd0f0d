#pragma once

#include <ATen/core/Tensor.h>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "model/nets/network.h"
#include "model/nets/network_batch.h"
#include "model/samples/volume.h"
#include "model/training/patient_input.h"

namespace fedtrial {

// Patients as one padded batch, all but images.embeddings, which belong to VolumesOf in its order. At least one
// patient.
NetworkBatch Collate(const NetworkShape& shape, std::span<const PatientInput> inputs, const VolumeTokens& seen,
                     const at::TensorOptions& options);

// NetworkBatch::linear alone: in training the skips read what dropout hides from the tokens, so that they are fitted as
// a linear model is. Of the volumes what `seen` has.
std::vector<at::Tensor> CollateLinear(const NetworkShape& shape, std::span<const PatientInput> inputs,
                                      const VolumeTokens& seen, const at::TensorOptions& options);

// The volumes of a batch, patient by patient.
std::vector<VolumeId> VolumesOf(std::span<const PatientInput> inputs);

// Where the mean of a sequence stands in kLesionCentre; its deviation follows it.
constexpr std::size_t LesionPlace(MriSequence sequence) { return 1 + 2 * static_cast<std::size_t>(sequence); }
static_assert(kLesionFigures == 1 + 2 * kMriSequences);

// Volumes side by side, as Network::EncodeVolumes takes them.
struct VolumeStack {
  at::Tensor volumes;    // [N, channels, z, y, x]
  at::Tensor no_lesion;  // [N, 1]; undefined for one channel
  std::vector<std::optional<LesionFigures>> lesions;
};
// kInvalidInput if a volume can't be loaded, has another size than the first, a side that 2^(stages) doesn't divide, or
// a length that isn't its size. `ids` isn't empty.
Result<VolumeStack> LoadVolumes(const NetworkSizes& sizes, const VolumeSource& source, std::span<const VolumeId> ids,
                                const at::TensorOptions& options);

// Reads those of `ids` that `tokens` lacks, one volume at a time: what an encoder that isn't trained says of them, once
// and for all. Keeps no graph. Errors as LoadVolumes.
Status AddVolumeTokens(const Network& network, const VolumeSource& source, std::span<const VolumeId> ids,
                       const at::TensorOptions& options, VolumeTokens& tokens);

// Collate with images.embeddings from `tokens`, which has every volume of the inputs.
NetworkBatch CollateWithTokens(const NetworkShape& shape, std::span<const PatientInput> inputs,
                               const VolumeTokens& tokens, const at::TensorOptions& options);

// Doubles of ours as a tensor of `options`, row-major.
at::Tensor TensorOf(const std::vector<double>& values, at::IntArrayRef shape, const at::TensorOptions& options);
at::Tensor IndicesOf(const std::vector<int64_t>& values, at::IntArrayRef shape, const at::TensorOptions& options);

}  // namespace fedtrial

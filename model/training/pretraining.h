#pragma once

#include <span>

#include "common/base/result.h"
#include "model/nets/network.h"
#include "model/samples/volume.h"
#include "model/training/network_inputs.h"
#include "model/training/network_trainer.h"
#include "model/training/patient_input.h"

namespace fedtrial {

inline constexpr double kMaskedShare = 0.5;    // of the cubes of a volume
inline constexpr std::size_t kMaskedSide = 8;  // of a cube, in voxels

// The first of two stages (masked autoencoding: He et al. 2022): cubes of a volume are set to zero, and encoder and
// decoder learn to say what stood there, from the feature map and from the volume's token alike, so that both carry it.
// No label is used. The target is the image averaged to kPatchSide voxels a place of the feature map. Loss of N
// volumes, a number: mean of the squared error over what was masked. mask [N, 1, z, y, x]: 1 where kept.
at::Tensor MaskedLoss(const Network& network, const VolumeStack& stack, const at::Tensor& mask);

// Trains the blocks mri and mri.decoder among task.trained on all volumes of the inputs; a patient who has one counts,
// labelled or not. kLesionCentre goes to the mean of what these volumes have; a figure that none has stays as it is.
// settings.batch counts volumes; dropout isn't used. loss_before is of the volumes, one number. Sides of the volumes
// are multiples of 8 and of 2^stages. Errors as TrainNetwork; kInvalidInput if the shape doesn't pretrain.
Result<NetworkUpdate> PretrainEncoder(const NetworkTask& task, std::span<const PatientInput> inputs,
                                      const VolumeSource& source, const NetworkSettings& settings);

}  // namespace fedtrial

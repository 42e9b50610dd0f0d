#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "model/params/network_shape.h"
#include "model/params/tensor.h"
#include "model/training/patient_input.h"
#include "tests/bench/figure.h"

namespace fedtrial::bench {

inline constexpr std::size_t kVolumesOfPatient = 16;  // four visits of four sequences
inline constexpr std::size_t kBatchVolumes = 8;       // a step of the encoder's stage

NetworkSizes SizesOf(const std::string& preset);  // "tiny" or "small"

// Made-up patients of a site (values and voxels from a rule; two tables, two panels, four visits) and the two stages
// that a plan trains a network in, by the calls that a site's worker makes: model/training, one thread, float32.
class BenchSite {
 public:
  BenchSite(const std::string& preset, std::size_t side, std::size_t patients);
  ~BenchSite();

  // Of a step of the encoder's stage on kBatchVolumes volumes: reading them from memory, masking, forward, backward,
  // AdamW. The second of a run, so that nothing is done for the first time.
  double EncoderStep(Clock clock) const;
  // Of an epoch of the stage of the heads over all patients, batches of 8, tokens of volumes kept: with the loss before
  // it, as in a round.
  double HeadsEpoch(Clock clock) const;
  std::size_t patients() const { return inputs_.size(); }

 private:
  class Volumes;

  NetworkShape shape_;
  std::size_t side_;
  std::map<std::string, Tensor> model_;
  std::vector<PatientInput> inputs_;
  std::unique_ptr<Volumes> volumes_;
  mutable VolumeTokens tokens_;
};

}  // namespace fedtrial::bench

#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/random.h"
#include "common/base/result.h"
#include "model/params/tensor.h"

namespace fedtrial {

// A multimodal network without its numbers: what a plan says of it. Plan, coordinator, sites and the start model take
// names and shapes of the tensors from here; model/nets computes with them.

struct NetworkSizes {
  std::size_t width = 96;  // of a token; a multiple of attention_heads
  std::size_t layers = 2;  // of the fusion
  std::size_t attention_heads = 4;
  std::size_t feed_forward = 192;
  std::size_t hidden = 48;                               // of the encoders of tables and of the heads
  std::size_t embedding = 64;                            // of a patient, for retrieval
  std::size_t volume_channels = 2;                       // 1: the image; 2: image and lesion mask
  std::vector<std::size_t> channels = {16, 32, 64, 96};  // by stage of the volume encoder; multiples of 8

  static NetworkSizes Tiny();   // about 0.35 M parameters
  static NetworkSizes Small();  // 0.90 M, the default
  static NetworkSizes Base();   // 15.7 M
};

// Values of one row a patient that come together: one token.
struct StaticShape {
  std::string name;  // the block's
  std::size_t features = 0;
  bool treatment = false;  // the trial's arm: modality dropout never hides it, linear skips read products with it
};

// Analytes that come together: one token a visit.
struct PanelShape {
  std::string name;
  std::size_t analytes = 0;
};

enum class HeadKind {
  kHazard,        // one endpoint in discrete time: logits of the hazard by bin
  kIllnessDeath,  // alive, recurred, dead: logits of h01, h02 and h12 by bin
  kMethylation,   // logit of methylated, and the logit of the share methylated
  kBinary,        // one logit (pseudo-progression)
  kEmbedding,     // a unit vector for retrieval, taught by the hazards that a linear map reads from it
};

struct HeadShape {
  std::string name;
  HeadKind kind = HeadKind::kHazard;
  std::size_t bins = 0;  // of the hazards; 0 for kMethylation and kBinary
  std::vector<std::string>
      hidden;  // blocks of statics, panels or MRI that this head never sees, not even through others
};
std::size_t OutputsOf(HeadKind kind);  // numbers per patient (and per bin, where there are bins): 3 for kIllnessDeath

struct NetworkShape {
  NetworkSizes sizes;
  std::vector<StaticShape> statics;
  std::vector<PanelShape> panels;
  std::string mri;         // the block of the volume encoder; empty: no images
  bool pretrains = false;  // the encoder is taught by itself first: with the decoder of that stage
  std::string fusion = "fusion";
  std::vector<HeadShape> heads;
};

inline constexpr std::size_t kPatchSide = 8;      // of what the decoder rebuilds at each place of the last feature map
inline constexpr std::size_t kTimeFeatures = 33;  // sine and cosine of 16 periods, and the signed logarithm

// --- blocks -----------------------------------------------------------------------------------------------------
// Beside the blocks that a plan names there are, with a dot that no plan's name has:
std::string MissingBlock(std::string_view modality);                  // "labs.missing": stands for an absent modality
std::string SequenceBlock(std::string_view mri);                      // "mri.sequences": embeddings of the sequences
std::string LinearBlock(std::string_view head, std::string_view of);  // "survival.clinical": the linear skip
std::string DecoderBlock(std::string_view mri);                       // "mri.decoder": of the encoder's own stage
bool Hides(const HeadShape& head, std::string_view block);
// All blocks, in the order of NetworkTensors.
std::vector<std::string> NetworkBlocks(const NetworkShape& shape);

// --- tensors ----------------------------------------------------------------------------------------------------
enum class TensorRole : std::uint8_t {
  kWeight,  // decays under AdamW
  kPlain,   // norm, bias, token, table of embeddings: AdamW without decay
  kLinear,  // linear skip and intercepts: convex, plain gradient steps; a ridge on the skip
};

struct NetworkTensor {
  TensorSpec spec;
  TensorRole role = TensorRole::kPlain;
  double constant = 0.0;   // start value where deviation is 0
  double deviation = 0.0;  // > 0: starts normal with it, cut at two deviations
};

// What the linear skip "<head>.<block>" reads of a static or a panel: of a static its values; of a panel the last value
// of each analyte and how fast it rises; of the images kLesionInputs figures of the lesion. Then all of these but the
// trends times each value of the treatment, where the head sees that, since what a patient gains from it may depend on
// them (the modified covariates of Tian et al. 2014, JASA 109:1517, section 3).
std::size_t LinearInputs(const NetworkShape& shape, const HeadShape& head, const StaticShape& block);
std::size_t LinearInputs(const NetworkShape& shape, const HeadShape& head, const PanelShape& panel);
std::size_t LinearImageInputs(const NetworkShape& shape, const HeadShape& head);
// 1 where there is an image, the lesion's size and its change since the first, and of each sequence its mean and
// deviation (LesionFigures), the latest of each.
inline constexpr std::size_t kLesionInputs = 11;
// Size, mean and deviation are read about kLesionCentre, a tensor of the image block: what they are on average over the
// sites, size first, then mean and deviation of each sequence. No gradient moves it: the encoder's own stage does
// (PretrainEncoder), each site to the mean of its own volumes. Without such a stage it stays 0.
inline constexpr char kLesionCentre[] = "lesion_centre";
inline constexpr std::size_t kLesionFigures = kLesionInputs - 2;  // no presence, no change

// Every tensor of the network, block by block. kInvalidInput, all problems in one sentence: a name twice or not of
// [a-z0-9_]+, a size of 0, a width that the attention heads don't divide, channels not of 8, a hidden block that isn't
// there, a head with or without bins against its kind, no head.
Result<std::vector<NetworkTensor>> NetworkTensors(const NetworkShape& shape, ScalarType type);

// Start values: convolutions after He et al. 2015, the last norm of a residual block 0, tokens and the fusion normal
// with deviation 0.02, every head's residual and linear skip 0. The same bytes for the same stream of `random`.
Result<std::map<std::string, Tensor>> StartTensors(const NetworkShape& shape, ScalarType type, Random& random);

}  // namespace fedtrial

#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "model/params/network_shape.h"

namespace fedtrial {

// Rates of a site's steps. Weights, norms and tokens go by AdamW; the linear skip and the intercepts, which are convex,
// by plain gradient steps, as the linear model does.
struct StepRates {
  double rate = 1e-3;          // of everything but the two below
  double encoder_rate = 3e-4;  // of the volume encoder; a joint last stage takes a tenth of both
  double linear_rate = 0.1;
  double decay = 0.05;    // of weights only: not of norms, biases, tokens, the linear skip
  double proximal = 0.0;  // FedProx (Li et al. 2020): the gradient of proximal / 2 |w - w_global|^2 is added
};

// Dropout of whole modalities (at least one of those present stays, and statics that are always seen) and of the visits
// of panels and images.
struct InputDropout {
  double modality = 0.3;
  double visit = 0.2;
};

// What makes the weighted mean of the sites' losses the loss of all patients: site loss = mean over its patients of the
// sum over heads of weight_h * patients / labels_h * loss, with the counts of all sites, however few labels one site
// has. A linear skip is averaged over those alone who have its modality: its loss is the mean over these, at a site as
// in all, and its ridge is divided by how many they are.
struct TaskWeights {
  double patients = 1.0;       // of all sites, with any label; >= 1
  std::vector<double> labels;  // of all sites, by head; a head with 0 teaches nothing
  std::vector<double> weight;  // by head; > 0
  // By modality: the share of all sites' patients who have it, in (0, 1]; 1 for one that isn't here.
  std::map<std::string, double> coverage;
};
// By kind: survival 1, pseudo-progression 0.3, methylation 0.2, embedding 0.1.
double DefaultWeight(HeadKind kind);

struct NetworkSettings {
  StepRates rates;
  std::size_t epochs = 1;
  std::size_t batch = 0;  // patients a step; 0: all
  double ridge = 0.0;     // on the linear skips: ridge / (2 labels) |beta|^2 beside the mean loss of their head, labels
                          // of those who have the modality (of three transitions also on how far each lies from their
                          // mean)
  double dropout = 0.2;   // inside the fusion
  InputDropout input_dropout;
  unsigned threads = 1;                // of LibTorch, process-wide
  std::string device = "cpu";          // as FindDevice
  std::uint64_t seed = 0;              // of the round
  Digest cohort{};                     // with the seed gives batches and dropout
  std::size_t replica = 0;             // as well
  std::function<bool()> cancelled;     // asked before every step; may be empty
  std::function<void(double)> on_way;  // fraction done; may be empty
  // Resuming after a kill: every `save_every` steps (0: never), and after a step where `save_due` says so, `save` is
  // given all that a later call needs in `resume`.
  std::size_t save_every = 0;
  std::function<bool()> save_due;  // may be empty
  std::function<Status(Bytes)> save;
  Bytes resume;  // empty: from the start
};

}  // namespace fedtrial

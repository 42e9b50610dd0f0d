#pragma once

#include <map>
#include <string>
#include <vector>

#include "model/params/contribution.h"
#include "model/params/manifest.h"
#include "model/params/model.h"
#include "proto/plan/layout.h"
#include "site_node/tasks/task.h"

namespace fedtrial::site {

// The weighted sums of the sites' contributions in plain double, and the model made of them by the text of the recipe:
// the least that stands in for a coordinator here. Fails the test that calls it if a site can't answer.
class PlainCoordinator {
 public:
  PlainCoordinator(const Plan& plan, std::map<std::string, Cohort> sites) : plan_(plan), sites_(std::move(sites)) {}

  // One round at this position; the model is the next one afterwards.
  void Round(const StepPosition& position);
  const Model& model() const { return model_; }
  double sum(const std::string& tensor, std::size_t index = 0) const { return sums_.at(tensor).at(index); }
  double weight(const std::string& block) const { return weights_.at(block); }

 private:
  void FinishNormalise();
  void FinishGrid();
  void FinishTrain(const std::string& block);

  const Plan& plan_;
  std::map<std::string, Cohort> sites_;
  Model model_;
  std::uint64_t round_ = 0;
  std::map<std::string, std::vector<double>> sums_;  // of the last round, by tensor
  std::map<std::string, double> weights_;            // by block
};

}  // namespace fedtrial::site

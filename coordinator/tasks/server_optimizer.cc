#include "coordinator/tasks/server_optimizer.h"

#include <cmath>

namespace fedtrial::coordinator {
namespace {

class FedAvg : public UpdateRule {
 public:
  explicit FedAvg(const ServerSettings& settings) : rate_(settings.rate) {}
  std::vector<Moment> moments() const override { return {}; }
  void Step(std::span<double> d, std::span<const std::span<double>>) const override {
    for (double& change : d) change *= rate_;
  }

 private:
  double rate_;
};

class FedAvgM : public UpdateRule {
 public:
  explicit FedAvgM(const ServerSettings& settings) : settings_(settings) {}
  std::vector<Moment> moments() const override { return {{"momentum", 0.0}}; }
  void Step(std::span<double> d, std::span<const std::span<double>> moments) const override {
    const std::span<double> m = moments[0];
    for (std::size_t i = 0; i < d.size(); ++i) {
      m[i] = settings_.momentum * m[i] + d[i];
      d[i] = settings_.rate * m[i];
    }
  }

 private:
  ServerSettings settings_;
};

class Adaptive : public UpdateRule {
 public:
  Adaptive(const ServerSettings& settings, bool yogi) : settings_(settings), yogi_(yogi) {}
  std::vector<Moment> moments() const override {
    return {{"momentum", 0.0}, {"second", settings_.tau * settings_.tau}};
  }
  void Step(std::span<double> d, std::span<const std::span<double>> moments) const override {
    const std::span<double> m = moments[0], v = moments[1];
    const double beta1 = settings_.momentum, beta2 = settings_.beta2;
    for (std::size_t i = 0; i < d.size(); ++i) {
      const double square = d[i] * d[i];
      m[i] = beta1 * m[i] + (1.0 - beta1) * d[i];
      if (yogi_)
        v[i] -= (1.0 - beta2) * square * static_cast<double>((v[i] > square) - (v[i] < square));
      else
        v[i] = beta2 * v[i] + (1.0 - beta2) * square;
      d[i] = settings_.rate * m[i] / (std::sqrt(v[i]) + settings_.tau);
    }
  }

 private:
  ServerSettings settings_;
  bool yogi_;
};

}  // namespace

std::unique_ptr<UpdateRule> MakeUpdateRule(const ServerSettings& settings) {
  switch (settings.optimizer) {
    case ServerOptimizer::kFedAvgM:
      return std::make_unique<FedAvgM>(settings);
    case ServerOptimizer::kFedAdam:
      return std::make_unique<Adaptive>(settings, /*yogi=*/false);
    case ServerOptimizer::kFedYogi:
      return std::make_unique<Adaptive>(settings, /*yogi=*/true);
    case ServerOptimizer::kFedAvg:
      break;
  }
  return std::make_unique<FedAvg>(settings);
}

}  // namespace fedtrial::coordinator

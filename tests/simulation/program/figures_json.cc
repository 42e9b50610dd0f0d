#include "tests/simulation/program/figures_json.h"

namespace fedtrial::sim {
namespace {

using Json = nlohmann::json;

Json ToJson(const Figure& figure) {
  return {{"value", figure.value},
          {"low", figure.interval ? Json(figure.interval->low) : Json()},
          {"high", figure.interval ? Json(figure.interval->high) : Json()},
          {"events", figure.events}};
}

Json ToJson(const Fit& fit, const std::vector<std::string>& covariates) {
  return {{"covariates", covariates},
          {"beta", fit.model.beta},
          {"intercepts", fit.model.intercepts.empty() ? Json() : Json(fit.model.intercepts)},
          {"mean", fit.scaling.mean},
          {"deviation", fit.scaling.deviation}};
}

}  // namespace

Json ToJson(const Figures& figures) {
  Json json = {{"local_mean", ToJson(figures.local_mean)},
               {"local", Json::object()},
               {"reduced", Json::object()},
               {"gain", Json::object()},
               {"patients", figures.patients},
               {"pairs", figures.pairs}};
  for (const auto& [name, figure] : figures.of) {
    const std::size_t slash = name.find('/');
    if (slash == std::string::npos)
      json[name] = ToJson(figure);
    else
      json[name.substr(0, slash)][name.substr(slash + 1)] = ToJson(figure);
  }
  for (const auto& [name, figure] : figures.gain) {
    const std::size_t slash = name.find('/');
    json["gain"][slash == std::string::npos ? name : name.substr(slash + 1)] = ToJson(figure);
  }
  return json;
}

Json NetworkJson(const NetworkComparison& comparison) {
  Json json = Json::object();
  if (comparison.cross_validated) json["cross_validated"] = ToJson(*comparison.cross_validated);
  if (comparison.outside) json["outside"] = ToJson(*comparison.outside);
  return json;
}

Json ConcordanceJson(const Comparison& comparison) {
  Json json = Json::object();
  if (comparison.cross_validated) json["cross_validated"] = ToJson(*comparison.cross_validated);
  if (comparison.outside) json["outside"] = ToJson(*comparison.outside);
  if (comparison.test) json["test"] = ToJson(*comparison.test);
  return json;
}

Json ModelsJson(const Comparison& comparison, const std::vector<std::string>& covariates) {
  Json json = Json::object();
  for (const auto& [name, key] :
       {std::pair("federated", "federated"), {"pooled", "pooled"}, {"cox", "cox_site_stratified"}}) {
    const auto found = comparison.models.find(name);
    if (found != comparison.models.end()) json[key] = ToJson(found->second, covariates);
  }
  return json;
}

}  // namespace fedtrial::sim

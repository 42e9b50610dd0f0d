#include "tests/simulation/program/table_plan.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <set>

namespace fedtrial::sim {
namespace {

constexpr std::size_t kFewestSites = 3;

std::string Quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

// As a plan allows: letters, digits, '.', '_', '-', at most 64, each once.
std::vector<std::string> FeatureNames(const std::vector<std::string>& covariates) {
  std::vector<std::string> names;
  std::set<std::string> taken;
  for (const std::string& covariate : covariates) {
    std::string name = covariate.substr(0, 56);
    for (char& c : name) {
      const bool fits = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
                        c == '_' || c == '-';
      if (!fits) c = '_';
    }
    std::string unique = name;
    for (int n = 2; !taken.insert(unique).second; ++n) unique = fmt::format("{}_{}", name, n);
    names.push_back(std::move(unique));
  }
  return names;
}

// Smallest and largest value of a covariate, a little apart where there is only one.
std::pair<double, double> RangeOf(const Patients& patients, std::size_t covariate) {
  double low = INFINITY, high = -INFINITY;
  for (std::size_t i = 0; i < patients.size(); ++i) {
    const double value = patients.raw(i, covariate);
    if (std::isnan(value)) continue;
    low = std::min(low, value);
    high = std::max(high, value);
  }
  if (low > high) return {0.0, 1.0};
  if (low == high) return {low - std::max(1.0, std::abs(low)), high + std::max(1.0, std::abs(high))};
  return {low, high};
}

std::string Features(const Patients& patients) {
  const std::vector<std::string> names = FeatureNames(patients.covariates);
  std::string text, list;
  for (std::size_t j = 0; j < names.size(); ++j) {
    const auto [low, high] = RangeOf(patients, j);
    text += fmt::format("[[feature]]\nname = {}\nfrom = {}\nrange = [{}, {}]\n\n", Quoted(names[j]),
                        Quoted("participants." + patients.covariates[j]), low, high);
    list += (j == 0 ? "" : ", ") + Quoted(names[j]);
  }
  return text + fmt::format("[[block]]\nname = \"risk\"\nkind = \"linear\"\nfeatures = [{}]\n\n", list);
}

std::string Folds(const Recipe& recipe) {
  if (recipe.repeats == 0) return "";
  return fmt::format("[folds]\nrepeats = {}\nfolds = {}\n{}\n", recipe.repeats, recipe.folds,
                     recipe.folds_from_file ? "column = \"folds.repeat{}\"\n" : "");
}

}  // namespace

Result<std::string> PlanOfTable(const Patients& patients, const Recipe& recipe) {
  const std::vector<std::size_t> inside = patients.SitesInside();
  if (inside.size() < kFewestSites)
    return Error{ErrorCode::kInvalidInput,
                 fmt::format("{} sites have {} patients or more, a federation wants {} (--min-patients)", inside.size(),
                             recipe.min_patients, kFewestSites)};
  std::size_t largest = 0;
  for (const std::size_t site : inside) largest = std::max(largest, patients.RowsOf(site).size());

  std::string text = fmt::format(
      "[trial]\nid = \"table\"\nseed = {}\n\n"
      "[endpoint.os]\ntime = \"outcome.time\"\nevent = \"outcome.event\"\nunit = \"week\"\ncuts = [{}]\n\n"
      "[cohort]\nmin_patients = {}\n\n",
      recipe.seed, fmt::join(recipe.cuts_weeks, ", "), std::max<std::size_t>(recipe.min_patients, 1));
  text += Features(patients);
  text += "[network]\nprecision = \"float64\"\n\n" + Folds(recipe);
  text += fmt::format(
      "[[step]]\ntask = \"normalise\"\n\n[[step]]\ntask = \"grid\"\n\n"
      "[[step]]\ntask = \"train\"\nrounds = {}\n"
      "local = {{ steps = {}, rate = {}, rate_half = {}, ridge = {} }}\n\n",
      recipe.rounds, recipe.local_steps, recipe.rate, recipe.rate_half, recipe.ridge);
  text += fmt::format("[rules]\nsites = {}\n", inside.size());
  text += fmt::format("\n[encoding]\nword_bits = 64\nclip = 64.0\npatient_cap = {}\n", largest);
  return text;
}

}  // namespace fedtrial::sim

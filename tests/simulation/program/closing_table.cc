#include "tests/simulation/program/closing_table.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <fmt/format.h>
#include <string_view>
#include <vector>

namespace fedtrial::sim {
namespace {

using Json = nlohmann::json;

struct Set {
  const char* key;
  const char* title;
};
constexpr std::array<Set, 3> kSets{
    {{"cross_validated", "cross-validated"}, {"outside", "outside hospitals"}, {"test", "published test split"}}};

std::string FigureText(const Json& figure) {
  if (!figure.is_object() || !figure.value("value", Json()).is_number()) return "-";
  std::string text = fmt::format("{:.3f}", figure["value"].get<double>());
  if (figure.value("low", Json()).is_number() && figure.value("high", Json()).is_number())
    text += fmt::format(" [{:.3f}, {:.3f}]", figure["low"].get<double>(), figure["high"].get<double>());
  if (figure.value("events", Json()).is_number()) text += fmt::format(" {:>4}", figure["events"].get<std::uint64_t>());
  return text;
}

class Table {
 public:
  explicit Table(const Json& concordance) : concordance_(concordance) {
    for (const Set& set : kSets)
      if (concordance.contains(set.key)) sets_.push_back(set);
  }

  std::string Text() {
    if (sets_.empty()) return "";
    Head("Concordance [95 %] events");
    Row("federated", "federated", "");
    Row("pooled, all patients in one", "pooled", "");
    Row("mean of single hospitals", "local_mean", "");
    for (const std::string& site : Names("local")) Row("  " + site + " alone", "local", site);
    Row("Cox, stratified by site", "cox", "");
    for (const std::string& covariates : Names("reduced")) Row(covariates + " alone, pooled", "reduced", covariates);
    Row("federated, within hospitals", "federated_within", "");
    return text_;
  }

  // Of a network, below the table of the linear model.
  std::string NetworkText() {
    if (sets_.empty()) return "";
    text_ = '\n';
    Head("Multimodal network");
    Row("federated", "federated", "");
    Row("pooled, all patients in one", "pooled", "");
    Row("mean of single hospitals", "local_mean", "");
    Row("linear model, same folds", "linear", "");
    for (const std::string& modality : Names("without")) Row("  tested without " + modality, "without", modality);
    return text_;
  }

 private:
  void Head(std::string_view title) {
    text_ += fmt::format("{:<28}", title);
    for (const Set& set : sets_) text_ += fmt::format("  {:<26}", set.title);
    text_ += '\n';
  }
  std::vector<std::string> Names(const char* group) const {
    std::vector<std::string> names;
    for (const Set& set : sets_) {
      const Json& figures = concordance_[set.key];
      if (!figures.contains(group)) continue;
      for (const auto& [name, figure] : figures[group].items())
        if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    }
    return names;
  }
  void Row(const std::string& title, const char* key, const std::string& within) {
    std::string line = fmt::format("{:<28}", title);
    bool any = false;
    for (const Set& set : sets_) {
      Json figure = concordance_[set.key].value(key, Json());
      if (!within.empty()) figure = figure.is_object() ? figure.value(within, Json()) : Json();
      any = any || figure.is_object();
      line += fmt::format("  {:<26}", FigureText(figure));
    }
    if (any) text_ += line + '\n';
  }

  const Json& concordance_;
  std::vector<Set> sets_;
  std::string text_;
};

std::string Uploads(const Json& report) {
  if (!report.contains("upload_bytes")) return "";
  std::string text = fmt::format("\n{:<28}  {:>12}  {:>14}  {:>6}\n", "Bytes sent", "sent", "plain float32", "ratio");
  for (const auto& [site, bytes] : report["upload_bytes"].items()) {
    const double sent = bytes.value("sent", 0.0), plain = bytes.value("plain_float32", 0.0);
    text += fmt::format("{:<28}  {:>12.0f}  {:>14.0f}  {:>6}\n", site, sent, plain,
                        plain > 0 ? fmt::format("{:.2f}", sent / plain) : "-");
  }
  return text;
}

std::string RoundTimes(const Json& report) {
  if (!report.contains("rounds")) return "";
  std::vector<double> seconds;
  for (const Json& round : report["rounds"])
    if (round.value("seconds", Json()).is_number()) seconds.push_back(round["seconds"].get<double>());
  if (seconds.empty()) return "";
  std::sort(seconds.begin(), seconds.end());
  return fmt::format("\n{} rounds, {:.2f} s a round (median), the longest {:.2f} s\n", seconds.size(),
                     seconds[seconds.size() / 2], seconds.back());
}

}  // namespace

std::string ClosingTable(const Json& report) {
  const Json concordance = report.value("concordance", Json::object());
  const Json network = report.value("network", Json::object());
  std::string text = Table(concordance).Text() + Table(network).NetworkText() + Uploads(report) + RoundTimes(report);
  for (const Json& sentence : report.value("remarks", Json::array()))
    text += fmt::format("\n{}\n", sentence.get<std::string>());
  return text;
}

}  // namespace fedtrial::sim

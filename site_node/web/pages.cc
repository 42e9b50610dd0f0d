#include "site_node/web/pages.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "site_node/shell/approval.h"

namespace fedtrial::site {
namespace {

PageReply StatusPage(Driver& driver) {
  const auto status = nlohmann::json::parse(driver.StatusJson(), nullptr, false);
  std::string rows;
  for (const auto& [key, value] : status.items())
    rows += fmt::format("<tr><th>{}</th><td>{}</td></tr>\n", EscapeHtml(key),
                        EscapeHtml(value.is_string() ? value.get<std::string>() : value.dump()));
  const auto plan = driver.Ask([](Node& node) -> Result<std::string> {
    const auto& approved = node.participant().plan();
    return approved ? DescribePlan(*approved) : std::string("No plan is approved: nothing is sent.");
  });
  return {200, "text/html; charset=utf-8",
          fmt::format("<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>fedtrial site</title>"
                      "<h1>This site</h1><table>{}</table><h2>What leaves this hospital</h2><pre>{}</pre></html>",
                      rows, EscapeHtml(plan.ok() ? *plan : plan.error().message))};
}

}  // namespace

std::vector<PageRoute> Pages(Driver& driver, Telemetry& telemetry) {
  using Method = PageRoute::Method;
  return {
      {Method::kGet, "/", [&driver](const PageRequest&) { return StatusPage(driver); }},
      {Method::kGet, "/status.json",
       [&driver](const PageRequest&) {
         return PageReply{200, "application/json", driver.StatusJson()};
       }},
      {Method::kGet, "/metrics",
       [&telemetry](const PageRequest&) {
         return PageReply{200, kMetricsType, telemetry.metrics().Text()};
       }},
  };
}

}  // namespace fedtrial::site

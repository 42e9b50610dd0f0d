#include "site_node/web/pages.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <string_view>

#include "site_node/shell/approval.h"

namespace fedtrial::site {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kPage = R"(<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>fedtrial site</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,"><link rel="stylesheet" href="/site.css"><script type="module" src="/site.js"></script></head>
<body><h1>This site</h1><p id="answer"></p><main><table>
{}</table>
<h2>What leaves this hospital</h2>
<pre>{}</pre></main>
<p>Figures: <a href="/status.json">status</a>, <a href="/metrics">metrics</a></p></body></html>
)";

constexpr std::string_view kStyle =
    R"(:root { color-scheme: light dark; --bad: #a00; }
@media (prefers-color-scheme: dark) { :root { --bad: #f88; } }
body { font: 15px/1.5 sans-serif; margin: 2em auto; max-width: 70em; padding: 0 1em; overflow-wrap: anywhere; }
h1 { font-size: 1.5em; } h2 { font-size: 1.2em; }
table { border-collapse: collapse; }
th, td { border-bottom: 1px solid #8886; padding: .2em 1.2em .2em 0; text-align: left; vertical-align: top; }
th { font-weight: normal; overflow-wrap: normal; }
pre { white-space: pre-wrap; }
#answer { color: var(--bad); } #answer:empty { display: none; }
)";

constexpr std::string_view kScript = R"(async function look() {
  let answer = '';
  try {
    const reply = await fetch('/');
    if (!reply.ok) throw reply.status;
    const page = new DOMParser().parseFromString(await reply.text(), 'text/html');
    const [mine, its] = [document, page].map((one) => one.querySelector('main'));
    if (mine.innerHTML !== its.innerHTML) mine.replaceWith(document.adoptNode(its));
  } catch (error) {
    answer = 'This site\'s daemon does not answer; what follows is what it said last.';
  }
  document.getElementById('answer').textContent = answer;
  setTimeout(look, 2000);
}
setTimeout(look, 2000);
)";

struct Line {
  const char* key;  // of the status
  const char* title;
};
constexpr Line kLines[] = {{"error", "Error"},
                           {"site", "Site"},
                           {"trial", "Trial"},
                           {"trial_state", "The trial is"},
                           {"coordinator", "Coordinator"},
                           {"connected", "Connected"},
                           {"connection", "Why not connected"},
                           {"plan_approved", "Plan approved"},
                           {"paused", "Paused"},
                           {"cohort", "Own cohort"},
                           {"round", "Round"},
                           {"phase", "Phase"},
                           {"in_round", "Takes part in it"},
                           {"last_reason", "Why it declined last"},
                           {"rounds_contributed", "Rounds contributed"},
                           {"bytes_uploaded", "Bytes uploaded since start"},
                           {"audit_lines", "Lines of the audit log"},
                           {"roster_version", "Roster version"},
                           {"model", "Model"},
                           {"plan_sha256", "Plan"}};

std::string Text(const Json& value) {
  if (value.is_boolean()) return value.get<bool>() ? "yes" : "no";
  return value.is_string() ? value.get<std::string>() : value.dump();
}

std::string Rows(const Json& status) {
  std::string rows;
  for (const Line& line : kLines)
    if (const auto found = status.find(line.key); found != status.end() && !Text(*found).empty())
      rows += fmt::format("<tr><th>{}</th><td>{}</td></tr>\n", EscapeHtml(line.title), EscapeHtml(Text(*found)));
  return rows;
}

PageReply AskedPage(Driver& driver) {
  const auto plan = driver.Ask([](Node& node) -> Result<std::string> {
    const auto& approved = node.participant().plan();
    return approved ? DescribePlan(*approved) : std::string("No plan is approved: nothing is sent.");
  });
  return StatusPage(driver.StatusJson(), plan.ok() ? *plan : plan.error().message);
}

}  // namespace

PageReply StatusPage(const std::string& status_json, const std::string& plan) {
  const auto status = Json::parse(status_json, nullptr, false);
  return {status.contains("error") ? 503 : 200, "text/html; charset=utf-8",
          fmt::format(kPage, Rows(status), EscapeHtml(plan))};
}

std::vector<PageRoute> Pages(Driver& driver, Telemetry& telemetry) {
  using Method = PageRoute::Method;
  const auto fixed = [](const char* type, std::string_view text) {
    return [type, text](const PageRequest&) { return PageReply{200, type, std::string(text)}; };
  };
  return {
      {Method::kGet, "/", [&driver](const PageRequest&) { return AskedPage(driver); }},
      {Method::kGet, "/site.css", fixed("text/css; charset=utf-8", kStyle)},
      {Method::kGet, "/site.js", fixed("text/javascript; charset=utf-8", kScript)},
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

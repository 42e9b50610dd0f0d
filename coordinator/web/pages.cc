#include "coordinator/web/pages.h"

#include <string_view>
#include <utility>

#include "common/runtime/metrics.h"

namespace fedtrial::coordinator {
namespace {

constexpr std::string_view kPage = R"(<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>fedtrial coordinator</title>
<link rel="stylesheet" href="/dashboard.css"></head>
<body><h1 id="title">Trial</h1><p id="state"></p><p id="progress"></p>
<h2>Sites</h2>
<table><thead><tr><th>Site</th><th>Connected</th><th>Plan</th><th>This round</th><th>Received</th></tr></thead>
<tbody id="sites"></tbody></table>
<h2>Rounds</h2>
<table><thead><tr><th>Round</th><th>Task</th><th>Sites</th><th>Loss</th><th>Concordance</th><th>Seconds</th><th>Why not</th></tr></thead>
<tbody id="rounds"></tbody></table>
<p>Figures: <a href="/status.json">status</a>, <a href="/report.json">report</a>, <a href="/metrics">metrics</a></p>
<script src="/dashboard.js"></script></body></html>
)";

constexpr std::string_view kStyle =
    R"(body { font: 15px/1.5 sans-serif; margin: 2em auto; max-width: 70em; padding: 0 1em; }
table { border-collapse: collapse; } th, td { border-bottom: 1px solid #ccc; padding: .2em .8em; text-align: left; }
.bad { color: #a00; }
)";

constexpr std::string_view kScript = R"('use strict';
const text = (value) => value === null || value === undefined ? '' : String(value);
const number = (value, digits) => typeof value === 'number' ? value.toFixed(digits) : '';
function row(cells, bad) {
  const tr = document.createElement('tr');
  if (bad) tr.className = 'bad';
  for (const cell of cells) tr.appendChild(document.createElement('td')).textContent = text(cell);
  return tr;
}
function fill(id, rows) { document.getElementById(id).replaceChildren(...rows); }
function concordance(c) {
  if (!c || typeof c.value !== 'number') return '';
  const interval = typeof c.low === 'number' ? ` (${number(c.low, 3)} to ${number(c.high, 3)})` : '';
  return number(c.value, 3) + interval;
}
function show(s) {
  document.getElementById('title').textContent = `${s.title} (${s.trial})`;
  document.getElementById('state').textContent = `${s.state}, plan ${s.plan_sha256}`;
  const phase = s.round ? `round ${s.round} ${s.task}, ${s.phase}, ${text(s.sites_heard)} of ${s.sites_invited} sites heard; ` : '';
  const left = typeof s.seconds_left === 'number' ? `, about ${Math.ceil(s.seconds_left / 60)} min left` : '';
  document.getElementById('progress').textContent =
      `${phase}${s.rounds_committed} of ${s.rounds_planned} rounds${left}`;
  fill('sites', s.sites.map((site) => row([site.name, site.connected ? 'yes' : 'no',
      site.approved_by ? `approved by ${site.approved_by}` : 'not approved',
      text(site.outcome) + (site.reason ? `: ${site.reason}` : ''), text(site.bytes)], site.outcome === 'refused')));
  fill('rounds', s.recent.slice().reverse().map((r) => row([r.attempt ? `${r.round} (attempt ${r.attempt + 1})` : r.round,
      r.task, r.included.length, number(r.loss, 4), concordance(r.concordance), number(r.seconds, 1), r.failure], !r.committed)));
}
async function look() {
  try { show(await (await fetch('/status.json')).json()); }
  catch (error) { document.getElementById('state').textContent = 'the coordinator does not answer'; }
  setTimeout(look, 2000);
}
look();
)";

PageReply Fixed(std::string_view type, std::string_view body) { return {200, std::string(type), std::string(body)}; }

PageReply Json(const Result<std::string>& answer) {
  if (!answer.ok()) return {503, "text/plain; charset=utf-8", answer.error().message};
  return {200, "application/json", *answer};
}

}  // namespace

std::vector<PageRoute> MakePages(PageSources sources) {
  using Method = PageRoute::Method;
  return {
      {Method::kGet, "/", [](const PageRequest&) { return Fixed("text/html; charset=utf-8", kPage); }},
      {Method::kGet, "/dashboard.css", [](const PageRequest&) { return Fixed("text/css; charset=utf-8", kStyle); }},
      {Method::kGet, "/dashboard.js",
       [](const PageRequest&) { return Fixed("text/javascript; charset=utf-8", kScript); }},
      {Method::kGet, "/status.json", [ask = sources.status](const PageRequest&) { return Json(ask(0)); }},
      {Method::kGet, "/report.json", [ask = sources.report](const PageRequest&) { return Json(ask()); }},
      {Method::kGet, "/metrics", [ask = sources.metrics](const PageRequest&) { return Fixed(kMetricsType, ask()); }},
  };
}

}  // namespace fedtrial::coordinator

#include "coordinator/web/pages.h"

#include <charconv>
#include <string_view>
#include <utility>

#include "common/runtime/metrics.h"

namespace fedtrial::coordinator {
namespace {

constexpr std::string_view kPage = R"(<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>fedtrial coordinator</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,"><link rel="stylesheet" href="/dashboard.css">
<script type="module" src="/dashboard.js"></script></head>
<body><main><h1 id="title">Trial</h1><p id="answer" class="bad"></p><p id="state"></p><p id="progress"></p>
<noscript><p>This page needs JavaScript; <code>fedtrial-coordinator status</code> says the same.</p></noscript>
<h2>Sites</h2>
<div class="scroll" tabindex="0" role="region" aria-label="Sites">
<table><thead><tr><th>Site</th><th>Connected</th><th>Plan</th><th>This round</th><th class="number">Received (bytes)</th></tr></thead>
<tbody id="sites"></tbody></table></div>
<h2>Rounds</h2>
<div class="scroll" tabindex="0" role="region" aria-label="Rounds">
<table><thead><tr><th>Round</th><th>Task</th><th class="number">Sites</th><th class="number">Loss</th>
<th class="number">Concordance (95 %)</th><th class="number">Seconds</th><th>Why not</th></tr></thead>
<tbody id="rounds"></tbody></table></div>
<p>Figures: <a href="/status.json">status</a>, <a href="/report.json">report</a>, <a href="/metrics">metrics</a></p>
</main></body></html>
)";

constexpr std::string_view kStyle =
    R"(:root { color-scheme: light dark; --bad: #a00; }
@media (prefers-color-scheme: dark) { :root { --bad: #f88; } }
body { font: 15px/1.5 sans-serif; margin: 2em auto; max-width: 70em; padding: 0 1em; overflow-wrap: anywhere; }
h1 { font-size: 1.5em; } h2 { font-size: 1.2em; }
.scroll { overflow-x: auto; overflow-wrap: normal; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { border-bottom: 1px solid #8886; padding: .2em 1.2em .2em 0; text-align: left; }
.number { text-align: right; }
.bad { color: var(--bad); } .bad:empty { display: none; }
@media (max-width: 60em) {
  th, td { white-space: nowrap; }
  th:first-child, td:first-child { position: sticky; left: 0; background: Canvas; }
}
)";

constexpr std::string_view kScript =
    R"(const text = (value) => value === null || value === undefined ? '' : String(value);
const number = (value, digits) => typeof value === 'number' ? value.toFixed(digits) : '';
const place = (id) => document.getElementById(id);
let attempts = 0;  // shown so far
function row(id, cells, bad) {
  const tr = document.createElement('tr');
  if (bad) tr.className = 'bad';
  const heads = place(id).parentElement.tHead.rows[0].cells;
  cells.forEach((cell, i) => {
    const td = tr.appendChild(document.createElement('td'));
    td.textContent = text(cell);
    td.className = heads[i].className;
  });
  return tr;
}
const standing = (site) => !site.in_roster ? site.enrolment : site.connected ? 'yes' : 'no';
function thisRound(site) {
  const said = text(site.outcome) + (site.reason ? `: ${site.reason}` : '');
  return site.problem && site.problem !== site.reason ? `${said} [${site.problem}]` : said;
}
function concordance(c) {
  if (!c || typeof c.value !== 'number') return '';
  const interval = typeof c.low === 'number' ? ` (${number(c.low, 3)} to ${number(c.high, 3)})` : '';
  return number(c.value, 3) + interval;
}
function show(s) {
  place('title').textContent = `${s.title} (${s.trial})`;
  place('state').textContent = `${s.state}, plan ${s.plan_sha256}`;
  const phase = s.round ? `round ${s.round} ${s.task}, ${s.phase}, ${text(s.sites_heard)} of ${s.sites_invited} sites heard; ` : '';
  const left = typeof s.seconds_left === 'number' ? `, about ${Math.ceil(s.seconds_left / 60)} min left` : '';
  place('progress').textContent =
      `${phase}${s.rounds_committed} of ${s.rounds_planned} rounds${left}`;
  place('sites').replaceChildren(...s.sites.map((site) => row('sites', [site.name, standing(site),
      site.approved_by ? `approved by ${site.approved_by}` : 'not approved', thisRound(site),
      (site.bytes ?? 0).toLocaleString('en')], site.problem || site.outcome === 'refused')));
  for (const r of s.recent)
    place('rounds').prepend(row('rounds', [r.attempt ? `${r.round} (attempt ${r.attempt + 1})` : r.round, r.task,
        r.included.length, number(r.loss, 4), concordance(r.concordance), number(r.seconds, 1), r.failure], !r.committed));
  attempts = s.attempts;
}
async function look() {
  try {
    show(await (await fetch(`/status.json?since=${attempts}`)).json());
    place('answer').textContent = '';
  } catch (error) {
    place('answer').textContent = 'The coordinator does not answer; what follows is what it said last.';
  }
  setTimeout(look, 2000);
}
look();
)";

PageReply Fixed(std::string_view type, std::string_view body) { return {200, std::string(type), std::string(body)}; }

PageReply Json(const Result<std::string>& answer) {
  if (!answer.ok()) return {503, "text/plain; charset=utf-8", answer.error().message};
  return {200, "application/json", *answer};
}

// "?since=7": the attempts after the seventh; else all.
std::size_t Since(const PageRequest& request) {
  std::size_t since = 0;
  if (const auto found = request.query.find("since"); found != request.query.end())
    std::from_chars(found->second.data(), found->second.data() + found->second.size(), since);
  return since;
}

}  // namespace

std::vector<PageRoute> MakePages(PageSources sources) {
  using Method = PageRoute::Method;
  return {
      {Method::kGet, "/", [](const PageRequest&) { return Fixed("text/html; charset=utf-8", kPage); }},
      {Method::kGet, "/dashboard.css", [](const PageRequest&) { return Fixed("text/css; charset=utf-8", kStyle); }},
      {Method::kGet, "/dashboard.js",
       [](const PageRequest&) { return Fixed("text/javascript; charset=utf-8", kScript); }},
      {Method::kGet, "/status.json",
       [ask = sources.status](const PageRequest& request) { return Json(ask(Since(request))); }},
      {Method::kGet, "/report.json", [ask = sources.report](const PageRequest&) { return Json(ask()); }},
      {Method::kGet, "/metrics", [ask = sources.metrics](const PageRequest&) { return Fixed(kMetricsType, ask()); }},
  };
}

}  // namespace fedtrial::coordinator

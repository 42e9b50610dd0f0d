#include "security/masking/graph.h"

#include <algorithm>
#include <fmt/format.h>
#include <iterator>
#include <span>

#include "security/crypto/seeded_random.h"
#include "security/crypto/sha256.h"

namespace fedtrial {
namespace {

struct TableRow {
  std::size_t sites;
  std::array<GraphParameters, 4> of;  // in Adversary's order
};

// 2^-40 privacy, 2^-20 failure, by the method of federated-compute's graph_parameter_finder.
constexpr std::array<TableRow, 5> kTable = {{
    {101, {{{32, 21}, {42, 32}, {42, 32}, {22, 17}}}},
    {200, {{{46, 30}, {66, 47}, {76, 57}, {40, 30}}}},
    {500, {{{60, 39}, {90, 64}, {116, 86}, {56, 42}}}},
    {1000, {{{68, 44}, {102, 72}, {140, 104}, {66, 49}}}},
    {5000, {{{78, 50}, {120, 84}, {172, 127}, {76, 56}}}},
}};

}  // namespace

Result<GraphParameters> ChooseGraph(std::size_t sites, Adversary adversary) {
  if (sites <= kCompleteGraphLimit)
    return Error{ErrorCode::kInvalidInput,
                 fmt::format("{} sites share with everybody; a graph is for more than {}", sites, kCompleteGraphLimit)};
  for (const TableRow& row : kTable) {
    if (sites <= row.sites) return row.of[static_cast<std::size_t>(adversary)];
  }
  return Error{ErrorCode::kInvalidInput,
               fmt::format("{} sites, at most {} can be in one round", sites, kTable.back().sites)};
}

Digest GraphSeed(const Digest& ctx, const std::map<SiteId, Reveal>& reveals) {
  ByteWriter writer;
  writer.Label("fl/secagg/v1/graph").Raw(ctx);
  for (const auto& [id, reveal] : reveals) writer.Raw(reveal);
  return Sha256(writer.bytes());
}

Result<MaskGraph> MaskGraph::Make(const Digest& ctx, const std::map<SiteId, Reveal>& reveals, unsigned degree) {
  if (degree == 0 || degree % 2 != 0 || degree >= reveals.size())
    return Error{ErrorCode::kInvalidInput,
                 fmt::format("a degree of {}, wanted even, above 0 and below the {} sites", degree, reveals.size())};
  MaskGraph graph;
  for (const auto& [id, reveal] : reveals) graph.permutation_.push_back(id);
  SeededRandom random(GraphSeed(ctx, reveals));
  Shuffle(std::span(graph.permutation_), random);
  const std::size_t count = graph.permutation_.size();
  for (std::size_t i = 0; i < count; ++i) {
    for (std::size_t distance = 1; distance <= degree / 2; ++distance) {
      const SiteId a = graph.permutation_[i];
      const SiteId b = graph.permutation_[(i + distance) % count];
      graph.neighbours_[a].insert(b);
      graph.neighbours_[b].insert(a);
    }
  }
  return graph;
}

MaskGraph MaskGraph::Complete(const std::set<SiteId>& sites) {
  MaskGraph graph;
  graph.permutation_.assign(sites.begin(), sites.end());
  for (const SiteId site : sites) {
    std::set<SiteId> others = sites;
    others.erase(site);
    graph.neighbours_.emplace(site, std::move(others));
  }
  return graph;
}

const std::set<SiteId>& MaskGraph::NeighboursOf(SiteId site) const {
  static const std::set<SiteId> kNone;
  const auto found = neighbours_.find(site);
  return found == neighbours_.end() ? kNone : found->second;
}

Result<std::uint8_t> MaskGraph::SharePoint(SiteId owner, SiteId holder) const {
  const std::set<SiteId>& neighbours = NeighboursOf(owner);
  if (!neighbours_.contains(owner) || (owner != holder && !neighbours.contains(holder)))
    return Error{ErrorCode::kInvalidInput, fmt::format("{} holds no share of {}", ToString(holder), ToString(owner))};
  const auto below = std::distance(neighbours.begin(), neighbours.lower_bound(holder));
  const auto rank = below + (owner < holder ? 1 : 0);
  if (rank > 254) return Error{ErrorCode::kInvalidInput, fmt::format("{} has more than 255 shares", ToString(owner))};
  return static_cast<std::uint8_t>(1 + rank);
}

}  // namespace fedtrial

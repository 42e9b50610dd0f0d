#include <algorithm>
#include <fmt/format.h>
#include <map>

#include "proto/plan/check_plan.h"

namespace fedtrial {
namespace {

bool Reads(const Block& block, std::size_t feature) {
  return std::ranges::find(block.features, feature) != block.features.end();
}

bool IsHidden(const Block& head, const Block& block) {
  return std::ranges::find(head.hidden, block.name) != head.hidden.end();
}

class BlockCheck {
 public:
  BlockCheck(std::vector<TomlTable>& tables, const Plan& plan) : tables_(tables), plan_(plan) {}

  void Run() {
    CheckParts();
    for (std::size_t i = 0; i < tables_.size(); ++i) {
      if (plan_.blocks[i].kind == BlockKind::kPanel) CheckPanel(tables_[i], plan_.blocks[i]);
      if (plan_.blocks[i].kind == BlockKind::kHead) CheckHead(tables_[i], plan_.blocks[i]);
    }
  }

 private:
  // A network is modalities, one fusion and heads; at most one block of images.
  void CheckParts() {
    std::map<BlockKind, std::size_t> count;
    std::size_t modalities = 0;
    for (std::size_t i = 0; i < tables_.size(); ++i) {
      const BlockKind kind = plan_.blocks[i].kind;
      modalities += IsModality(kind);
      if (++count[kind] > 1 && (kind == BlockKind::kFusion || kind == BlockKind::kMri))
        tables_[i].Report("kind", fmt::format("a second block of kind \"{}\", wanted one at most", ToString(kind)));
    }
    const bool network = modalities + count[BlockKind::kFusion] + count[BlockKind::kHead] > 0;
    if (!network || tables_.empty()) return;
    for (const auto& [there, wanted] : {std::pair{modalities, "\"static\", \"panel\" or \"mri\""},
                                        {count[BlockKind::kFusion], "\"fusion\""},
                                        {count[BlockKind::kHead], "\"head\""}})
      if (there == 0) tables_.back().Report("kind", fmt::format("a network wants a block of kind {} too", wanted));
  }

  void CheckPanel(TomlTable& table, const Block& panel) {
    for (const std::size_t index : panel.features) {
      const Feature& feature = plan_.features[index];
      if (!feature.IsLong())
        table.Report("features", fmt::format("\"{}\" has no visits: a panel wants analytes of a long table, such as "
                                             "from = \"cytokine[IL-6]\"",
                                             feature.name));
      else if (feature.Table() != plan_.features[panel.features.front()].Table())
        table.Report("features", fmt::format("\"{}\" is of table {}, the panel's first feature of {}", feature.name,
                                             feature.Table(), plan_.features[panel.features.front()].Table()));
      for (const Block* other : plan_.Panels())
        if (other < &panel && Reads(*other, index))
          table.Report("features", fmt::format("\"{}\" is in panel \"{}\" already", feature.name, other->name));
    }
  }

  void CheckHead(TomlTable& table, const Block& head) {
    for (const std::string& name : head.hidden) {
      const Block* hidden = plan_.FindBlock(name);
      if (hidden == nullptr || !IsModality(hidden->kind))
        table.Report("hidden", fmt::format("\"{}\" isn't a [[block]] of kind static, panel or mri", name));
    }
    if (head.target != HeadTarget::kLabel) return;
    for (const Block& block : plan_.blocks)
      for (const std::size_t label : {head.label, head.share.value_or(head.label)})
        if (IsModality(block.kind) && Reads(block, label) && !IsHidden(head, block)) {
          table.Report("hidden", fmt::format("block \"{}\" reads \"{}\", which this head predicts: it must be hidden",
                                             block.name, plan_.features[label].name));
          break;
        }
  }

  std::vector<TomlTable>& tables_;
  const Plan& plan_;
};

}  // namespace

void CheckBlocks(std::vector<TomlTable>& blocks, const Plan& plan) { BlockCheck(blocks, plan).Run(); }

}  // namespace fedtrial

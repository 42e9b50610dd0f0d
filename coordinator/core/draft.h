#pragma once

#include <string>
#include <utility>

#include "coordinator/core/effects.h"

namespace fedtrial::coordinator {

// What one input leads to, before it is put in order: audits, then the journal, then what can be seen outside.
struct Draft {
  Effects audits;
  bool changed = false;
  Effects effects;

  template <typename T>
  void Add(T effect) {
    effects.emplace_back(std::move(effect));
  }
  void Record(std::string action, const RoundId& round, const Digest& detail) {
    audits.emplace_back(Audit{std::move(action), round, detail});
  }
  void Tell(Observe::Kind kind, const RoundId& round, Phase phase, SiteId site, std::string detail) {
    effects.emplace_back(Observe{kind, round, phase, site, std::move(detail)});
  }
};

}  // namespace fedtrial::coordinator

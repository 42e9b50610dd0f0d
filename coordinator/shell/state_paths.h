#pragma once

#include <filesystem>

#include "common/base/bytes.h"
#include "common/base/ids.h"

namespace fedtrial::coordinator {

// Where everything of a coordinator's state folder lies.
struct StatePaths {
  std::filesystem::path folder;

  std::filesystem::path config() const { return folder / "coordinator.toml"; }
  std::filesystem::path database() const { return folder / "trial.db"; }
  std::filesystem::path plan() const { return folder / "plan.toml"; }
  std::filesystem::path start_file() const { return folder / "start.safetensors"; }  // sealed; of a plan that has one
  std::filesystem::path keys() const { return folder / "keys"; }
  std::filesystem::path kek() const { return keys() / "kek"; }
  std::filesystem::path tls_key() const { return keys() / "tls.key"; }
  std::filesystem::path signing_key() const { return keys() / "signing.key"; }  // sealed seed
  std::filesystem::path certificate() const { return keys() / "tls.crt"; }
  std::filesystem::path ca() const { return keys() / "ca.crt"; }
  std::filesystem::path models() const { return folder / "models"; }
  std::filesystem::path server_states() const { return folder / "server"; }
  std::filesystem::path spools() const { return folder / "spool"; }
  std::filesystem::path spool(const RoundId& round) const {
    return spools() / (std::to_string(round.round) + "-" + std::to_string(round.attempt));
  }
};

}  // namespace fedtrial::coordinator

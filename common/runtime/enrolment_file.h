#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "common/base/result.h"
#include "security/crypto/ed25519.h"

namespace fedtrial {

// What the coordinator's administrator hands to one hospital, written by `fedtrial-coordinator enrol-token` and read by
// `fedtrial-site enrol`: JSON, mode 0600. It holds the one-time token, so it goes by a trusted way, and to one site
// only.
struct EnrolmentFile {
  std::string trial_id;
  std::string site_name;
  std::string coordinator;  // "host:port" as the site dials it
  std::string ca_pem;       // the consortium's CA: the only one trusted
  VerifyKey consortium{};   // verifies plan, roster and revocations
  std::string token;        // EnrolToken::Text()

  std::string ToJson() const;
  // kInvalidInput naming the key that is missing or wrong.
  static Result<EnrolmentFile> FromJson(std::string_view json);
};

}  // namespace fedtrial

#pragma once

#include <string>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "proto/plan/plan.h"
#include "security/crypto/ed25519.h"
#include "site_node/shell/config.h"

namespace fedtrial::site {

// One screen of a plan for the person who approves it: title, steps, features, rules, folds.
std::string DescribePlan(const Plan& plan);

}  // namespace fedtrial::site

#pragma once

#include <optional>

#include "common/base/random.h"
#include "common/base/result.h"
#include "security/crypto/secret.h"
#include "site_node/shell/node.h"

namespace fedtrial::site {

// The key of the sealed files in `cache/`: keys/cache.key, sealed under the folder's KEK, mode 0600. Goes to the worker
// in its requests and nowhere else. None: nothing has been prepared yet.
Result<std::optional<SecretBytes<32>>> LoadCacheKey(const StatePaths& paths, Random& random);
// The same, made at first use.
Result<SecretBytes<32>> MakeCacheKey(const StatePaths& paths, Random& random);

}  // namespace fedtrial::site

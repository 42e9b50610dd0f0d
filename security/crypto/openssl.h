#pragma once

#include <string_view>

#include "common/base/result.h"
#include "security/crypto/openssl_fwd.h"

// For .cc files of security only: what every call into OpenSSL needs.
namespace fedtrial {

// kInternal, with OpenSSL's own reason; empties its error queue.
Error OpenSslError(std::string_view what);

// Ends the process: memory or the library itself is gone, and no caller could go on safely.
[[noreturn]] void OpenSslAbort(std::string_view what);

}  // namespace fedtrial

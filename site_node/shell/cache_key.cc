#include "site_node/shell/cache_key.h"

#include "common/runtime/sealed_file.h"

namespace fedtrial::site {
namespace {

constexpr std::string_view kRole = "cache-key";
constexpr std::size_t kMaxKeyFile = 4096;

}  // namespace

Result<std::optional<SecretBytes<32>>> LoadCacheKey(const StatePaths& paths, Random& random) {
  std::error_code error;
  if (!std::filesystem::exists(paths.cache_key(), error)) return std::optional<SecretBytes<32>>();
  ASSIGN_OR_RETURN(const Sealer sealer, Sealer::Open(paths.kek(), "", random));
  ASSIGN_OR_RETURN(Bytes bytes, sealer.ReadFile(paths.cache_key(), kRole, kMaxKeyFile));
  auto key = SecretBytes<32>::CopyOf(bytes);
  Wipe(bytes);
  if (!key.ok()) return key.error();
  return std::optional<SecretBytes<32>>(std::move(*key));
}

Result<SecretBytes<32>> MakeCacheKey(const StatePaths& paths, Random& random) {
  ASSIGN_OR_RETURN(auto found, LoadCacheKey(paths, random));
  if (found) return std::move(*found);
  ASSIGN_OR_RETURN(const Sealer sealer, Sealer::Open(paths.kek(), "", random));
  SecretBytes<32> key;
  random.Fill(key.span());
  RETURN_IF_ERROR(sealer.WriteFile(paths.cache_key(), kRole, key.view()));
  return key;
}

}  // namespace fedtrial::site

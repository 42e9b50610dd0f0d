#include "common/runtime/enrolment_file.h"

#include <algorithm>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/base/bytes.h"

namespace fedtrial {

std::string EnrolmentFile::ToJson() const {
  const nlohmann::json json = {{"trial", trial_id},
                               {"site", site_name},
                               {"coordinator", coordinator},
                               {"ca", ca_pem},
                               {"consortium", ToHex(consortium)},
                               {"token", token}};
  return json.dump(2) + "\n";
}

Result<EnrolmentFile> EnrolmentFile::FromJson(std::string_view text) {
  const auto json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return Error{ErrorCode::kInvalidInput, "an enrolment file is a JSON object"};
  EnrolmentFile file;
  std::string consortium;
  const std::pair<const char*, std::string*> fields[] = {{"trial", &file.trial_id},          {"site", &file.site_name},
                                                         {"coordinator", &file.coordinator}, {"ca", &file.ca_pem},
                                                         {"consortium", &consortium},        {"token", &file.token}};
  for (const auto& [key, value] : fields) {
    const auto found = json.find(key);
    if (found == json.end() || !found->is_string() || found->get_ref<const std::string&>().empty())
      return Error{ErrorCode::kInvalidInput, fmt::format("enrolment file: \"{}\" is missing or not a text", key)};
    *value = found->get<std::string>();
  }
  ASSIGN_OR_RETURN(const Digest key, DigestFromHex(consortium));
  std::copy(key.begin(), key.end(), file.consortium.begin());
  return file;
}

}  // namespace fedtrial

#include "model/params/manifest.h"

#include <map>
#include <nlohmann/json.hpp>
#include <string_view>

namespace fedtrial {

std::vector<std::string> Manifest::Blocks() const {
  std::vector<std::string> blocks;
  std::map<std::string_view, bool> seen;
  for (const TensorSpec& spec : tensors) {
    if (seen.emplace(spec.block(), true).second) blocks.emplace_back(spec.block());
  }
  return blocks;
}

std::uint64_t Manifest::Values() const {
  std::uint64_t values = 0;
  for (const TensorSpec& spec : tensors) values += spec.elements();
  return values;
}

std::uint64_t Manifest::Words() const { return 2 * Blocks().size() + Values(); }

std::string Manifest::CanonicalJson() const {
  using nlohmann::json;  // objects are sorted by key, and dump() writes no blanks
  json list = json::array();
  std::uint64_t offset = 0;
  for (const TensorSpec& spec : tensors) {
    list.push_back({{"block", std::string(spec.block())},
                    {"name", spec.name},
                    {"offset", offset},
                    {"shape", spec.shape},
                    {"type", std::string(ToString(spec.type))}});
    offset += spec.elements();
  }
  const json manifest = {{"encoding", {{"f", encoding.fraction_bits}, {"word_bits", encoding.word_bits}}},
                         {"model", ToHex(model)},
                         {"seed", std::to_string(seed)},
                         {"step", step},
                         {"task", task},
                         {"tensors", std::move(list)}};
  return manifest.dump(-1, ' ', /*ensure_ascii=*/false, json::error_handler_t::replace);
}

}  // namespace fedtrial

#include "model/params/safetensors_header.h"

#include <algorithm>
#include <bit>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <set>

namespace fedtrial {
namespace {

using nlohmann::json;

// Values are copied to and from memory as they lie in the file.
static_assert(std::endian::native == std::endian::little);

constexpr std::string_view kMetadata = "__metadata__";
constexpr int kMaxDepth = 3;  // header, entry, shape

Error Invalid(std::string message) { return Error{ErrorCode::kInvalidInput, std::move(message)}; }
Error InTensor(std::string_view name, std::string_view message) {
  return Invalid(fmt::format("tensor \"{}\": {}", name, message));
}

// JSON that says one thing only: no key twice in an object, nothing deeper than a header can be.
Result<json> ParseStrictJson(std::string_view text) {
  std::vector<std::set<std::string>> keys;
  std::string fault;
  const auto watch = [&](int depth, json::parse_event_t event, json& value) {
    if (event == json::parse_event_t::object_start) keys.emplace_back();
    if (event == json::parse_event_t::object_end) keys.pop_back();
    if (event == json::parse_event_t::key && !keys.back().insert(value.get<std::string>()).second && fault.empty())
      fault = fmt::format("\"{}\" is there twice", value.get<std::string>());
    if (depth > kMaxDepth && fault.empty()) fault = "lists or objects lie too deep";
    return fault.empty();
  };
  json parsed = json::parse(text, watch, /*allow_exceptions=*/false);
  if (!fault.empty()) return Invalid("the model's header: " + fault);
  if (!parsed.is_object()) return Invalid("the model's header isn't a JSON object");
  return parsed;
}

Result<std::vector<std::uint64_t>> ReadUnsignedList(const json& list, std::string_view what) {
  if (!list.is_array()) return Invalid(fmt::format("{} isn't a list", what));
  std::vector<std::uint64_t> out;
  for (const json& item : list) {
    if (!item.is_number_unsigned()) return Invalid(fmt::format("{} holds something else than whole numbers", what));
    out.push_back(item.get<std::uint64_t>());
  }
  return out;
}

Result<ScalarType> ReadType(const json& type) {
  if (type == "F32") return ScalarType::kFloat32;
  if (type == "F64") return ScalarType::kFloat64;
  return Invalid("dtype isn't F32 or F64");
}

Result<SafetensorsEntry> ReadEntry(const std::string& name, const json& value, std::uint64_t max_values) {
  if (!value.is_object() || value.size() != 3 || !value.contains("dtype") || !value.contains("shape") ||
      !value.contains("data_offsets"))
    return Invalid("wanted dtype, shape and data_offsets, nothing else");
  SafetensorsEntry entry;
  entry.spec.name = name;
  ASSIGN_OR_RETURN(entry.spec.type, ReadType(value["dtype"]));
  ASSIGN_OR_RETURN(entry.spec.shape, ReadUnsignedList(value["shape"], "shape"));
  ASSIGN_OR_RETURN(const auto offsets, ReadUnsignedList(value["data_offsets"], "data_offsets"));
  if (offsets.size() != 2 || offsets[0] > offsets[1]) return Invalid("data_offsets isn't a begin and an end");
  entry.begin = offsets[0];
  entry.end = offsets[1];
  RETURN_IF_ERROR(CheckSpec(entry.spec, max_values));
  // elements <= max_values, and an end that lies past the file is found by the caller: no overflow here.
  if (const std::uint64_t wanted = entry.spec.elements() * SizeOf(entry.spec.type); entry.end - entry.begin != wanted)
    return Invalid(fmt::format("its shape takes {} bytes, its offsets {}", wanted, entry.end - entry.begin));
  return entry;
}

Status ReadMetadata(const json& value, std::map<std::string, std::string>& out) {
  if (!value.is_object()) return Invalid("the model's metadata isn't an object");
  for (const auto& [key, text] : value.items()) {
    if (!text.is_string()) return Invalid(fmt::format("the model's metadata \"{}\" isn't text", key));
    out.emplace(key, text.get<std::string>());
  }
  return {};
}

// Every byte after the header belongs to exactly one tensor.
Status CheckPlaces(std::vector<SafetensorsEntry>& entries, std::uint64_t data_bytes) {
  std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) {
    return std::tie(a.begin, a.end, a.spec.name) < std::tie(b.begin, b.end, b.spec.name);
  });
  std::uint64_t place = 0;
  for (const SafetensorsEntry& entry : entries) {
    if (entry.begin < place) return InTensor(entry.spec.name, "overlaps another");
    if (entry.begin > place)
      return InTensor(entry.spec.name, fmt::format("begins at byte {} after a gap from {}", entry.begin, place));
    place = entry.end;
  }
  if (place != data_bytes)
    return Invalid(
        fmt::format("the model's tensors take {} bytes, the file has {} after its header", place, data_bytes));
  return {};
}

Result<std::string_view> HeaderText(ByteView prefix, std::uint64_t file_size, const ModelLimits& limits) {
  if (file_size < 8 || prefix.size() < 8) return Invalid("the model's file ends before its header's size");
  const std::uint64_t size = ByteReader(prefix.subspan(0, 8)).U64();
  if (size > limits.max_header_bytes)
    return Invalid(fmt::format("the model's header has {} bytes, at most {} are read", size, limits.max_header_bytes));
  if (size > file_size - 8 || size > prefix.size() - 8)
    return Invalid(fmt::format("the model's header has {} bytes, {} are there", size,
                               std::min<std::uint64_t>(file_size, prefix.size()) - 8));
  const std::string_view text = AsText(prefix.subspan(8, size));
  if (text.empty() || text.front() != '{') return Invalid("the model's header doesn't begin with {");
  return text;
}

std::string_view TypeWord(ScalarType type) { return type == ScalarType::kFloat32 ? "F32" : "F64"; }

}  // namespace

Result<SafetensorsHeader> ParseSafetensorsHeader(ByteView prefix, std::uint64_t file_size, const ModelLimits& limits) {
  ASSIGN_OR_RETURN(const std::string_view text, HeaderText(prefix, file_size, limits));
  ASSIGN_OR_RETURN(const json parsed, ParseStrictJson(text));
  SafetensorsHeader header;
  header.data_start = 8 + text.size();
  std::uint64_t values_left = limits.max_values;
  for (const auto& [name, value] : parsed.items()) {
    if (name == kMetadata) {
      RETURN_IF_ERROR(ReadMetadata(value, header.metadata));
      continue;
    }
    auto entry = ReadEntry(name, value, values_left);
    if (!entry.ok()) return InTensor(name, entry.error().message);
    values_left -= entry->spec.elements();
    header.entries.push_back(std::move(entry).value());
  }
  RETURN_IF_ERROR(CheckPlaces(header.entries, file_size - header.data_start));
  return header;
}

Result<Bytes> EncodeSafetensorsHeader(const ModelHeader& header) {
  json out = json::object();
  if (!header.metadata.empty()) out[std::string(kMetadata)] = header.metadata;
  std::uint64_t place = 0, values = 0;
  for (const ScalarType type : {ScalarType::kFloat64, ScalarType::kFloat32}) {
    for (const TensorSpec& spec : header.tensors) {
      if (spec.type != type) continue;
      RETURN_IF_ERROR(CheckSpec(spec, ModelLimits{}.max_values - values));
      if (spec.name == kMetadata) return Invalid("a tensor is called __metadata__");
      values += spec.elements();
      const std::uint64_t end = place + spec.elements() * SizeOf(type);
      out[spec.name] = {{"dtype", std::string(TypeWord(type))}, {"shape", spec.shape}, {"data_offsets", {place, end}}};
      place = end;
    }
  }
  std::string text;
  try {
    text = out.dump();
  } catch (const json::exception&) {
    return Invalid("the model's metadata isn't UTF-8");
  }
  text.append((8 - text.size() % 8) % 8, ' ');
  if (text.size() > ModelLimits{}.max_header_bytes)
    return Invalid(fmt::format("the model's header would have {} bytes, at most {} are read", text.size(),
                               ModelLimits{}.max_header_bytes));
  return ByteWriter().U64(text.size()).Label(text).Take();
}

}  // namespace fedtrial

#include "site_node/imaging/dicom_sequence.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <regex>

namespace fedtrial::imaging {

namespace {

Error Refused(std::string what) { return {ErrorCode::kInvalidInput, std::move(what)}; }

// The contrast of tissues, before the question of an agent.
enum class Weighting { kT1, kT2, kFlair };

bool Mentions(const std::string& text, const char* pattern) {
  return std::regex_search(text, std::regex(pattern, std::regex::icase | std::regex::ECMAScript));
}

std::optional<Weighting> ByTimes(const SliceHeader& slice) {
  if (!slice.echo_ms || !slice.repetition_ms) return std::nullopt;
  const double echo = *slice.echo_ms, repetition = *slice.repetition_ms, inversion = slice.inversion_ms.value_or(0.0);
  if (echo > 70 && inversion >= 1700 && inversion <= 2900) return Weighting::kFlair;
  if (echo > 70 && repetition > 2000 && inversion < 1700) return Weighting::kT2;
  const bool prepared = inversion >= 400 && inversion <= 1200 && repetition <= 2500;  // MPRAGE
  if (echo < 30 && (repetition < 1000 || prepared)) return Weighting::kT1;
  return std::nullopt;
}

std::optional<Weighting> ByTexts(const std::string& text) {
  if (Mentions(text, "flair|tirm|dark.?fluid")) return Weighting::kFlair;
  if (Mentions(text, "(^|[^a-z0-9])t2")) return Weighting::kT2;
  if (Mentions(text, "mprage|spgr|bravo|tfe|(^|[^a-z0-9])t1")) return Weighting::kT1;
  return std::nullopt;
}

Status CheckKept(const SliceHeader& slice, const std::string& text) {
  const auto has = [&](std::string_view word) {
    return std::find(slice.image_type.begin(), slice.image_type.end(), word) != slice.image_type.end();
  };
  if (has("DERIVED"))
    for (const std::string_view kind : {"MPR", "MIP", "ADC", "TRACE", "TRACEW", "SUBTRACTION", "PROJECTION IMAGE"})
      if (has(kind)) return Refused(fmt::format("left out: derived ({})", kind));
  for (const std::string_view kind : {"ADC", "DIFFUSION", "LOCALIZER"})
    if (has(kind)) return Refused(fmt::format("left out: {}", kind));
  const std::array<std::pair<const char*, const char*>, 4> kinds{{
      {"(^|[^a-z])(dwi|dti|adc|diff|trace)", "diffusion"},
      {"(^|[^a-z])(swi|swan|t2\\*|hemo)", "susceptibility"},
      {"(^|[^a-z])(perf|dsc|dce|asl|mra|tof|bold|fmri|spectro)", "perfusion, vessels or function"},
      {"(^|[^a-z])(loc|scout|survey)", "localiser"},
  }};
  for (const auto& [pattern, name] : kinds)
    if (Mentions(text, pattern)) return Refused(fmt::format("left out: {}", name));
  return {};
}

Result<MriSequence> T1WithOrWithout(const SliceHeader& slice, const std::string& text) {
  const bool said = Mentions(text, "gado|(^|[^a-z])gd|\\+c|c\\+|post|(^|[^a-z])(ce|km)([^a-z]|$)");
  if (slice.contrast == false && said) return Refused("its texts speak of a contrast agent, (0018,0010) says none");
  return slice.contrast.value_or(said) ? MriSequence::kT1Contrast : MriSequence::kT1;
}

// False where the name is neither "ignore", which gives none, nor a sequence's.
bool ParseSequence(std::string_view name, std::optional<MriSequence>& sequence) {
  sequence.reset();
  for (std::size_t i = 0; i < kMriSequences; ++i)
    if (ToString(static_cast<MriSequence>(i)) == name) sequence = static_cast<MriSequence>(i);
  return sequence || name == "ignore";
}

}  // namespace

Result<SequenceExceptions> ParseSequenceExceptions(std::string_view text) {
  SequenceExceptions exceptions;
  for (std::size_t line = 1; !text.empty(); ++line) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view row = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (row.ends_with('\r')) row.remove_suffix(1);
    if (row.empty() || row.starts_with('#')) continue;
    const std::size_t tab = row.find('\t');
    std::optional<MriSequence> sequence;
    if (tab == std::string_view::npos || !ParseSequence(row.substr(tab + 1), sequence))
      return Refused(
          fmt::format("line {}: wanted a series description, a tab, and T1w, ce-gd_T1w, T2w, FLAIR or ignore", line));
    exceptions.emplace_back(row.substr(0, tab), sequence);
  }
  return exceptions;
}

Result<MriSequence> TellSequence(const SliceHeader& slice, const SequenceExceptions& exceptions) {
  for (const auto& [description, sequence] : exceptions) {
    if (description != slice.description) continue;
    if (!sequence) return Refused("left out: an exception says so");
    return *sequence;
  }
  const std::string text = slice.description + " " + slice.protocol;
  RETURN_IF_ERROR(CheckKept(slice, text));
  const std::optional<Weighting> times = ByTimes(slice), texts = ByTexts(text);
  if (!times && !texts) return Refused("neither its times nor its texts tell the sequence: name it in the exceptions");
  if (times && texts && *times != *texts)
    return Refused("its times and its texts name different sequences: name it in the exceptions");
  switch (times ? *times : *texts) {
    case Weighting::kT2:
      return MriSequence::kT2;
    case Weighting::kFlair:
      return MriSequence::kFlair;
    case Weighting::kT1:
      break;
  }
  return T1WithOrWithout(slice, text);
}

}  // namespace fedtrial::imaging

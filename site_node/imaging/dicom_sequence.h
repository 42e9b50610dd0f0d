#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/result.h"
#include "model/samples/volume.h"
#include "site_node/imaging/dicom_header.h"

namespace fedtrial::imaging {

// A site's word on series descriptions that the rules get wrong: no sequence means that the series is left out.
using SequenceExceptions = std::vector<std::pair<std::string, std::optional<MriSequence>>>;

// Lines of "SeriesDescription<tab>T1w|ce-gd_T1w|T2w|FLAIR|ignore"; # begins a remark. Errors name the line.
Result<SequenceExceptions> ParseSequenceExceptions(std::string_view text);

// Which sequence a slice belongs to. Strongest first: an exception; the times of echo, repetition and inversion with
// the contrast agent; the operator's texts. kInvalidInput: left out (derived, diffusion, localiser, ...), not to be
// told, or times and texts disagree: then the data manager decides by an exception.
Result<MriSequence> TellSequence(const SliceHeader& slice, const SequenceExceptions& exceptions);

}  // namespace fedtrial::imaging

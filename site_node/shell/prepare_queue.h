#pragma once

#include <optional>
#include <string>
#include <vector>

namespace fedtrial::site {

// One visit as `prepare` sees it before anything of its scans is read.
struct VisitScans {
  std::string subject;  // "sub-p001"
  std::string session;  // "ses-BL"
  std::optional<double> day;
  bool prepared = false;           // holds volumes that were prepared elsewhere
  bool may_have_contrast = false;  // a contrast T1 by its name, or DICOM series, whose headers nobody has read yet
  std::string stamp;               // of its files
};

// What can be worked on next among one patient's visits, by day. The first visit with a contrast T1 that can be used
// makes the baseline; the later ones wait for it and are laid onto it, then in any order side by side. One thread.
class PatientQueue {
 public:
  explicit PatientQueue(std::vector<VisitScans> visits) : visits_(std::move(visits)) {}

  struct Turn {
    const VisitScans* visit = nullptr;
    std::string laid_onto;  // name of the baseline; empty: needs none, or is to make it
    bool makes_baseline = false;
    std::string refused;  // why it isn't to be tried; empty: it is
  };
  // None: nothing is left, or nothing can be begun before a visit in work is done.
  std::optional<Turn> Take();
  // `baseline`: the name of the one it made, or "".
  void Done(const Turn& turn, const std::string& baseline);

 private:
  std::vector<VisitScans> visits_;
  std::size_t next_ = 0;
  bool seeking_ = false;  // a visit that is to make the baseline is in work
  std::string baseline_;
};

}  // namespace fedtrial::site

#include "tests/system/archive/series.h"

#include "tests/unit/site_node/imaging/dicom_writer.h"
#include "tests/unit/site_node/imaging/phantom.h"

namespace fedtrial::system_test {

void WriteScanned(const std::filesystem::path& folder, const ScannedSeries& series) {
  imaging::Scan head = imaging::Ball(imaging::RasGrid({40, 48, series.first + series.slices}, 3.0), 60.0);
  head.grid.direction = imaging::kIdentity3;
  head.grid.origin = {-60, -70, -20};
  auto slices = imaging::SlicesOf(head, series.series_uid);
  slices.erase(slices.begin(), slices.begin() + static_cast<std::ptrdiff_t>(series.first));
  for (imaging::WrittenSlice& slice : slices) {
    slice.texts[{0x0008, 0x0020}] = series.date;
    slice.texts[{0x0008, 0x0060}] = series.modality;
    slice.texts[{0x0010, 0x0010}] = "SECRET^NAME";
    slice.texts[{0x0010, 0x0020}] = series.patient_id;
    slice.texts[{0x0018, 0x0080}] = series.repetition_ms;
    slice.texts[{0x0018, 0x0081}] = series.echo_ms;
    slice.texts[{0x0008, 0x103e}] = series.echo_ms == "10" ? "t1_se_tra" : "t2_tse_tra";
    slice.texts[{0x0020, 0x000d}] = series.study_uid;
  }
  imaging::WriteSeries(folder, slices);
}

}  // namespace fedtrial::system_test

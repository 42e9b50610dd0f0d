#include "proto/plan/units.h"

#include <algorithm>
#include <array>

namespace fedtrial {
namespace {

enum class Quantity {
  kMassConcentration,
  kSubstanceConcentration,
  kNumberConcentration,
  kActivityConcentration,
  kShare,
  kShareOfParent,
  kLength,
  kArea,
  kVolume,
  kTime,
  kMass,
  kDose,
  kPerMegabase,
  kFluorescence,
  kScore,
};

struct Unit {
  std::string_view name;
  Quantity quantity;
  double factor;  // of one such unit, in the quantity's first unit
};

constexpr std::array kUnits{
    Unit{"pg/mL", Quantity::kMassConcentration, 1.0},
    Unit{"ng/L", Quantity::kMassConcentration, 1.0},
    Unit{"ng/dL", Quantity::kMassConcentration, 10.0},
    Unit{"ng/mL", Quantity::kMassConcentration, 1e3},
    Unit{"ug/L", Quantity::kMassConcentration, 1e3},
    Unit{"ug/dL", Quantity::kMassConcentration, 1e4},
    Unit{"ug/mL", Quantity::kMassConcentration, 1e6},
    Unit{"mg/L", Quantity::kMassConcentration, 1e6},
    Unit{"mg/dL", Quantity::kMassConcentration, 1e7},
    Unit{"mg/mL", Quantity::kMassConcentration, 1e9},
    Unit{"g/L", Quantity::kMassConcentration, 1e9},
    Unit{"g/dL", Quantity::kMassConcentration, 1e10},
    Unit{"pmol/L", Quantity::kSubstanceConcentration, 1.0},
    Unit{"nmol/L", Quantity::kSubstanceConcentration, 1e3},
    Unit{"umol/L", Quantity::kSubstanceConcentration, 1e6},
    Unit{"mmol/L", Quantity::kSubstanceConcentration, 1e9},
    Unit{"mol/L", Quantity::kSubstanceConcentration, 1e12},
    Unit{"particles/mL", Quantity::kNumberConcentration, 1.0},
    Unit{"cells/mL", Quantity::kNumberConcentration, 1.0},
    Unit{"particles/uL", Quantity::kNumberConcentration, 1e3},
    Unit{"cells/uL", Quantity::kNumberConcentration, 1e3},
    Unit{"cells/mm3", Quantity::kNumberConcentration, 1e3},
    Unit{"/uL", Quantity::kNumberConcentration, 1e3},
    Unit{"10^3/uL", Quantity::kNumberConcentration, 1e6},
    Unit{"/nL", Quantity::kNumberConcentration, 1e6},
    Unit{"10^9/L", Quantity::kNumberConcentration, 1e6},
    Unit{"G/L", Quantity::kNumberConcentration, 1e6},
    Unit{"10^6/uL", Quantity::kNumberConcentration, 1e9},
    Unit{"10^12/L", Quantity::kNumberConcentration, 1e9},
    Unit{"U/L", Quantity::kActivityConcentration, 1.0},
    Unit{"IU/L", Quantity::kActivityConcentration, 1.0},
    Unit{"U/mL", Quantity::kActivityConcentration, 1e3},
    Unit{"%", Quantity::kShare, 1.0},
    Unit{"1", Quantity::kShare, 100.0},
    Unit{"%parent", Quantity::kShareOfParent, 1.0},
    Unit{"nm", Quantity::kLength, 1.0},
    Unit{"um", Quantity::kLength, 1e3},
    Unit{"mm", Quantity::kLength, 1e6},
    Unit{"cm", Quantity::kLength, 1e7},
    Unit{"mm2", Quantity::kArea, 1.0},
    Unit{"cm2", Quantity::kArea, 100.0},
    Unit{"mm3", Quantity::kVolume, 1e-3},
    Unit{"mL", Quantity::kVolume, 1.0},
    Unit{"cm3", Quantity::kVolume, 1.0},
    Unit{"s", Quantity::kTime, 1.0},
    Unit{"min", Quantity::kTime, 60.0},
    Unit{"h", Quantity::kTime, 3600.0},
    Unit{"day", Quantity::kTime, 86400.0},
    Unit{"week", Quantity::kTime, 604800.0},
    Unit{"month", Quantity::kTime, 2629800.0},  // a twelfth of the year
    Unit{"year", Quantity::kTime, 31557600.0},  // 365.25 days
    Unit{"ug", Quantity::kMass, 1e-3},
    Unit{"mg", Quantity::kMass, 1.0},
    Unit{"g", Quantity::kMass, 1e3},
    Unit{"cGy", Quantity::kDose, 0.01},
    Unit{"Gy", Quantity::kDose, 1.0},
    Unit{"mut/Mb", Quantity::kPerMegabase, 1.0},
    Unit{"MFI", Quantity::kFluorescence, 1.0},
    Unit{"score", Quantity::kScore, 1.0},
};

// "µg/ml" in either micro sign of Unicode, "mcg/mL": "ug/mL".
std::string Spelled(std::string_view unit) {
  std::string text;
  for (std::size_t i = 0; i < unit.size(); ++i) {
    const std::string_view two = unit.substr(i, 2);
    const bool micro = two == "\xc2\xb5" || two == "\xce\xbc";
    text += micro ? 'u' : unit[i];
    i += micro;
  }
  if (text.starts_with("mcg")) {
    text.erase(0, 1);
    text[0] = 'u';
  }
  const std::size_t slash = text.find('/');
  const bool litre = text.ends_with('l') && (text == "ml" || (slash != std::string::npos && text.size() <= slash + 3));
  if (litre) text.back() = 'L';
  return text;
}

const Unit* Find(std::string_view unit) {
  const std::string name = Spelled(unit);
  const auto found = std::ranges::find(kUnits, std::string_view(name), &Unit::name);
  return found == kUnits.end() ? nullptr : &*found;
}

}  // namespace

bool IsKnownUnit(std::string_view unit) { return Find(unit) != nullptr; }

std::optional<double> ConversionFactor(std::string_view from, std::string_view to) {
  const Unit* one = Find(from);
  const Unit* other = Find(to);
  if (one == nullptr || other == nullptr || one->quantity != other->quantity) return std::nullopt;
  return one->factor / other->factor;
}

std::vector<std::string> KnownUnits(std::string_view like) {
  const Unit* wanted = Find(like);
  std::vector<std::string> names;
  for (const Unit& unit : kUnits)
    if (wanted == nullptr || unit.quantity == wanted->quantity) names.emplace_back(unit.name);
  return names;
}

}  // namespace fedtrial

#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fedtrial {

// Units of measurements, by UCUM's usual spellings (https://ucum.org): "pg/mL", "ng/mL", "cells/uL", "10^9/L",
// "particles/mL", "mg/dL", "U/L", "mmol/L", "%", "%parent", "nm", ... A micro sign is read as u, a small l (litre) as
// L. Amounts of substance and masses aren't converted into each other: that needs the molar mass.

// Whether the unit is known at all.
bool IsKnownUnit(std::string_view unit);
// What a value in `from` is multiplied by to be in `to`; nothing if either is unknown or they measure different things.
std::optional<double> ConversionFactor(std::string_view from, std::string_view to);
// The units that can be converted into this one, itself among them; every known unit for one that is unknown.
std::vector<std::string> KnownUnits(std::string_view like = {});

}  // namespace fedtrial

#include "proto/plan/units.h"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace fedtrial {
namespace {

TEST(Units, ConvertAsTheTextbookSays) {
  struct Known {
    const char* from;
    const char* to;
    double factor;
  };
  for (const auto& [from, to, factor] :
       {Known{"ng/mL", "pg/mL", 1e3}, Known{"g/L", "mg/dL", 100.0}, Known{"mg/L", "ug/mL", 1.0},
        Known{"10^9/L", "cells/uL", 1e3}, Known{"G/L", "10^3/uL", 1.0}, Known{"cells/mm3", "cells/uL", 1.0},
        Known{"particles/uL", "particles/mL", 1e3}, Known{"mmol/L", "umol/L", 1e3}, Known{"1", "%", 100.0},
        Known{"week", "day", 7.0}, Known{"U/mL", "U/L", 1e3}, Known{"cGy", "Gy", 0.01}}) {
    const auto got = ConversionFactor(from, to);
    ASSERT_TRUE(got.has_value()) << from << " to " << to;
    EXPECT_DOUBLE_EQ(*got, factor) << from << " to " << to;
  }
}

TEST(Units, AreReadInTheSpellingsOfLaboratories) {
  EXPECT_EQ(ConversionFactor("\xc2\xb5g/ml", "ug/mL"), 1.0);  // micro sign
  EXPECT_EQ(ConversionFactor("\xce\xbcg/ml", "ug/mL"), 1.0);  // Greek mu
  EXPECT_EQ(ConversionFactor("mcg/mL", "ug/mL"), 1.0);
  EXPECT_EQ(ConversionFactor("cells/\xc2\xb5l", "cells/uL"), 1.0);
  EXPECT_EQ(ConversionFactor("mg/dl", "mg/dL"), 1.0);
}

TEST(Units, AreNeverGuessed) {
  for (const char* unknown : {"", "furlong", "pg", "PG/ML", "pg/ mL", "ul", "mol"})
    EXPECT_FALSE(IsKnownUnit(unknown)) << unknown;
  EXPECT_FALSE(ConversionFactor("pg/mL", "nmol/L").has_value());  // needs the molar mass
  EXPECT_FALSE(ConversionFactor("%", "%parent").has_value());
  EXPECT_FALSE(ConversionFactor("pg/mL", "furlong").has_value());
}

TEST(Units, NameThoseThatCanBeConverted) {
  const auto mass = KnownUnits("ng/mL");
  EXPECT_NE(std::ranges::find(mass, "pg/mL"), mass.end());
  EXPECT_EQ(std::ranges::find(mass, "cells/uL"), mass.end());
  EXPECT_GT(KnownUnits("furlong").size(), mass.size());
}

RC_GTEST_PROP(Units, ThereAndBackIsTheSame, ()) {
  const auto all = KnownUnits();
  const auto from = *rc::gen::elementOf(all);
  const auto to = *rc::gen::elementOf(KnownUnits(from));
  const double there = ConversionFactor(from, to).value();
  const double back = ConversionFactor(to, from).value();
  RC_ASSERT(std::abs(there * back - 1.0) < 1e-12);
}

RC_GTEST_PROP(Units, AnyBytesAreKnownOrNot, (const std::string& text)) {
  RC_ASSERT(IsKnownUnit(text) == ConversionFactor(text, text).has_value());
}

}  // namespace
}  // namespace fedtrial

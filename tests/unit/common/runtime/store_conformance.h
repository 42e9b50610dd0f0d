#pragma once

#include <functional>
#include <memory>
#include <string>

#include "common/runtime/store.h"

namespace fedtrial {

// Opens the store of that name with these options; the same name is the same store, also after it was closed.
using StoreFactory =
    std::function<Result<std::unique_ptr<Store>>(const std::string& name, const StoreOptions& options)>;

// What every implementation of Store promises. Fails the running test where one doesn't.
void RunStoreConformance(const StoreFactory& factory);

}  // namespace fedtrial

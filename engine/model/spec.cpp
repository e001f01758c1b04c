#include "engine/model/spec.h"

#include <algorithm>

namespace candor::model {

bool ModelSpec::all_sparse() const {
  return std::all_of(layers.begin(), layers.end(), [](const LayerSpec& layer) { return layer.mlp.sparse; });
}

}  // namespace candor::model

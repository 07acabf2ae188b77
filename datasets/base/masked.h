#pragma once
#include "datasets/base/dataset.h"

namespace yonder {

/// The masked form of a prepared task, for bidirectional models: tokens are hidden behind one more
/// token, `<mask>`, and the logits of that very place have to name them.
///   text    a part of the bytes (text.mask): in training 80 % of them as `<mask>`, 10 % as any
///           byte, 10 % as they are; in tests all as `<mask>`.  Devlin et al. 2019,
///           arXiv:1810.04805
///   others  the whole answer and EOS, found at once.  Ruoss et al. 2023, arXiv:2305.16843
std::unique_ptr<Task> masked(std::unique_ptr<Task>);

}  // namespace yonder

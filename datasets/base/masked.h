#pragma once
#include "datasets/base/dataset.h"

namespace yonder {

/// The masked form of a prepared task, for bidirectional models: tokens are replaced by an extra
/// one, `<mask>`, and predicted at the same position. Tasks with labels() stay unchanged.
///   text    a fraction of the bytes (text.mask): in training 80 % of them as `<mask>`, 10 % as a
///           random byte, 10 % unchanged; in evaluation all as `<mask>`.  Devlin et al. 2019,
///           arXiv:1810.04805
///   others  the whole answer and EOS, in one pass.  Ruoss et al. 2023, arXiv:2305.16843
std::unique_ptr<Task> masked(std::unique_ptr<Task>);

}  // namespace yonder

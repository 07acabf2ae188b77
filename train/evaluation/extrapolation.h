#pragma once
#include <functional>
#include <string>
#include <vector>

#include "train/results/study.h"
#include "train/training/session.h"

/// \file
/// One trained model under each of its test-time extensions, side by side.
namespace yonder {

/// What can be changed about a trained model for long tests, one override each: the extensions of
/// its encodings' entries that training has not fixed and that are not active already; then those
/// of the modifiers that may join it at test time (Entry::joins_at_test): log n, a sharpening, the
/// first tokens beside a window, a window of the trained length.
Overrides extensions_of(const Composition&);

/// Whether one of its encodings has an extension of its own, the baselines aside.
bool has_extensions(const Composition&);

/// The rows of a comparison: the model as it was trained, then what `list` asks for, each once:
///   all                                every one of extensions_of()
///   rope, rope.scaling                 those of an encoding, of an option
///   rope.scaling=yarn:rope.factor=4    these settings, whether they are listed or not
/// `beside` are settings that hold in every row but the first, unless it sets the same option.
/// UsageError for what is neither.
std::vector<Row> extension_rows(const Composition&, const std::vector<std::string>& list,
                                const Overrides& beside);

/// Each row at each λ of `factors`, by which a test multiplies q·k but no bias (sharpen.by); 1
/// leaves a row as it is, and so does any where a row sharpens already. UsageError for what is not
/// a factor.
std::vector<Row> sharpened(const Composition&, const std::vector<Row>& rows,
                           const std::vector<std::string>& factors);

/// What to do about a row that the model refuses: fail, or say why in its place.
enum class Refused { fail, tell };

/// Tests the model of `checkpoint` (as load() takes it) in each row, at the lengths of `settings`
/// and at the trained one, which shows what each row costs there. `of_task` are test-time options
/// of its task. `progress` may be empty; it gets the index of the row and the part of it that is
/// done, 0..1.
Study compare(const std::string& checkpoint, const std::vector<Row>& rows, Refused,
              const Overrides& of_task, EvalSettings settings,
              const std::function<void(int, double)>& progress = {}, const Inputs& = {});

/// One row of a test as a row of a comparison has it.
EvalScore score_of(const Row&, const Trained&, const std::string& protocol, const EvalRow&);
/// Adds where its attention looked, if that was observed.
void add_attention(Results&, const Row&, int seed, const EvalRow&);

}  // namespace yonder

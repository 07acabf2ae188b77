#pragma once
#include <functional>
#include <string>
#include <vector>

#include "train/results/study.h"
#include "train/training/session.h"

/// \file
/// One trained model with each of its inference-time extensions, side by side.
namespace yonder {

/// Inference-time overrides of a trained model for long sequences, one each: the extensions of its
/// encodings' entries that training has not fixed and that are not active already; then those of
/// the modifiers that may be added at inference time (Entry::joins_at_inference): log n, a
/// sharpening, the first tokens in addition to a window, a window of the trained length.
Overrides extensions_of(const Composition&);

/// Whether one of its encodings has an extension of its own, apart from the baselines.
bool has_extensions(const Composition&);

/// The rows of a comparison: the model as it was trained, then what `list` names, each once:
///   all                                every one of extensions_of()
///   rope, rope.scaling                 those of an encoding, of an option
///   rope.scaling=yarn:rope.factor=4    these settings, whether they are listed or not
/// `beside` are settings added to every row but the first, unless it sets the same option. Throws
/// UsageError for any other entry.
std::vector<Row> extension_rows(const Composition&, const std::vector<std::string>& list,
                                const Overrides& beside);

/// Each row with each λ of `factors`, which multiplies q·k but no bias at inference time
/// (sharpen.by). Rows that already set it stay unchanged, and so does any at 1 if the model was
/// trained without it. Throws UsageError for an invalid factor.
std::vector<Row> sharpened(const Composition&, const std::vector<Row>& rows,
                           const std::vector<std::string>& factors);

/// What to do about a row that the model refuses: throw, or record the reason in its place.
enum class Refused { fail, tell };

/// Evaluates the model of `checkpoint` (as in load()) with each row, at the lengths of `settings`
/// and at the trained length, which shows what each row costs there. `of_task` are inference-time
/// options of its task. `progress` may be empty; it gets the index of the row and the fraction of
/// it done, 0..1.
Study compare(const std::string& checkpoint, const std::vector<Row>& rows, Refused,
              const Overrides& of_task, EvalSettings settings,
              const std::function<void(int, double)>& progress = {}, const Inputs& = {});

/// An evaluation result completed by row, protocol, seed and confidence interval of the loss.
EvalScore score_of(const Row&, const Trained&, const std::string& protocol, const EvalRow&);
/// Adds where the heads attended, if that was observed.
void add_attention(Results&, const Row&, int seed, const EvalRow&);

}  // namespace yonder

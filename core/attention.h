#pragma once
#include <functional>
#include <vector>

#include "core/attention/observer.h"
#include "core/autodiff.h"
#include "core/positions.h"

/// \file
/// The one attention operation that every encoding goes through.
///
///   score_ij = scale · (f[r] row_i q_i·k_j + row_i q_i·A[r] + B[r]·k_j) + c[r] + strip_h(i, j)
///              + C_i − C_j,   C_t = Σ_{u ≤ t} log_gate_u
///   z_i      = Σ_j softmax_j(score_ij) (v_j + V[r]),   r = bucket(i − j), several such terms
///
/// with far_q_i·far_k_j in place of q_i·k_j if |i − j| ≥ far_window, with a different query per
/// chunk distance (Dots::chunk), or with a product that depends on the tokens in between
/// (Dots::log_decay, Dots::path); i and j are positions. Entmax or stick-breaking may replace
/// softmax (Weights). `row` scales the queries before any other use, so it does not affect B[r]·k_j
/// and c. Memory is linear in the lengths, forward and backward: only one log-sum-exp per row is
/// stored, never a tile of scores.
namespace yonder {

/// Maps distances i − j to rows of a relative table.
struct Buckets {
  int rows = 0;          ///< R
  int least = 0;         ///< smallest distance in the table
  std::vector<int> row;  ///< row[distance − least]

  Buckets() = default;
  /// Tabulates `bucket` for the distances smallest..largest.
  Buckets(int r, int smallest, int largest, const std::function<int(int)>& bucket)
      : rows(r), least(smallest) {
    for (int d = smallest; d <= largest; ++d) row.push_back(bucket(d));
  }
  int operator()(int distance) const { return row[distance - least]; }  ///< row of a distance
};

/// One family of relative terms. An absent table is an empty Var.
struct RelativeTerm {
  Buckets bucket;  ///< which row r a distance uses
  Var A, B, V;     ///< [R, H, d], or [R, 1, d] if shared by the heads
  Var c;           ///< [R, H]
  Tensor f;        ///< [R], untrained; empty: 1. The factors of several terms multiply.
};

/// A bias that is not a function of i − j alone (FIRE), computed for a strip of query rows at a
/// time and never stored in full. `forward` writes the bias [H, rows, Tk] of query rows
/// first..first+rows−1 of sequence b; `backward` gets d(loss)/d(bias) of such a strip, in the same
/// layout. A `shared` strip is the same for every sequence and is requested with b = 0; if all
/// strips of a call are, `backward` gets the gradient summed over the sequences.
struct StripBias {
  /// Writes the bias of a strip.
  std::function<void(int b, int first, int rows, real* bias)> forward;
  /// Adds to the gradients of `inputs`.
  std::function<void(int b, int first, int rows, const real* dbias)> backward;
  bool shared = true;       ///< one strip serves all sequences
  std::vector<Var> inputs;  ///< what `backward` adds to
};

/// CoPE: contextual positions. p_ij = min(Σ_{t=j..i} σ(scale q_i·k_t), R−1), both ends counted;
/// score_ij += scale · q_i·e(p_ij), e interpolated linearly between the rows of `table`. Causal
/// only.
struct ContextualTerm {
  Var table;  ///< [R, d], shared by the heads
};

/// How a row of scores becomes attention weights.
enum class Weights {
  softmax,  ///< z_i = Σ_j softmax_j(score_ij) v_j
  /// A_ij = max((α − 1) score_ij − τ_i, 0)^(1/(α−1)), τ_i such that Σ_j A_ij = 1
  entmax,
  /// A_ij = σ(s_ij) Π_{j<l<i} (1 − σ(s_il)) over the keys before the query's own token. The
  /// remainder of 1 is dropped, or weights the query's own value. Causal only.
  stick_breaking,
  stick_breaking_remainder_to_own
};

/// What is added to the products q_i·k_j, and how a row of scores becomes weights.
struct ScoreTerms {
  real scale = 1;                          ///< factor of all dot products
  std::vector<RelativeTerm> relative;      ///< by buckets of i − j
  std::vector<StripBias> strips;           ///< biases that depend on more than i − j
  std::vector<ContextualTerm> contextual;  ///< CoPE
  /// [B, Tk, H] log gate of each key's token, in token order: adds to the score of key j the sum
  /// over the tokens after j up to the query's own (FoX). Causal only.
  Var log_gate;
  Var sink;                            ///< [H]; adds e^sink_h to the softmax denominator
  Weights weights = Weights::softmax;  ///< how scores become weights
  double alpha = 1.5;                  ///< α of entmax, in (1, 2]
};

/// q_i·k_j, or far_q_i·far_k_j if |i − j| ≥ far_window > 0. In a bidirectional model the far
/// product with keys to the right (j − i ≥ far_window) uses `far_q_right`, if given. q and k may be
/// wider than v.
struct Dots {
  Var q, k;            ///< [B, Tq, H, dk], [B, Tk, H, dk]
  Var far_q, far_k;    ///< as q and k
  Var far_q_right;     ///< as q; empty: far_q serves both sides
  int far_window = 0;  ///< 0: q_i·k_j at every distance
  Var previous_q;      ///< as q, for keys in the chunk before the query's own, ⌊i/chunk⌋
  Var older_q;         ///< as q, for keys in older chunks
  int chunk = 0;       ///< positions per chunk; replaces far_window, causal only; 0: none
  Tensor row;          ///< [B or 1, Tq] factor of each query row, near, far or older; empty: 1
  /// [B, Tk, H, dk], ≤ 0, log decay of each key's token, in token order: multiplies q_ic k_jc by
  /// e^(sum over the tokens after j up to the query's own) (wall). Causal only.
  Var log_decay;
  /// Transforms between q_i and k_j (PaTH): q_i·H_i H_{i−1} … H_{j+1} k_j, H_t = I − β_t w_t w_tᵀ,
  /// with w and β of each key's token. Causal only.
  struct Path {
    Var w, beta;  ///< [B, Tk, H, dk], [B, Tk, H]; empty: no transforms
  };
  Path path;  ///< empty: no transforms
};

/// Which keys a query sees, by token index: its own and earlier ones if `causal`; those fewer than
/// `window` tokens away if window > 0 (causal: the last `window` keys, its own included); never
/// padding.
struct Mask {
  bool causal = true;         ///< no token sees a later one
  int window = 0;             ///< 0: unlimited
  int sinks = 0;              ///< number of first tokens that are seen beyond `window` too
  std::vector<int> of_heads;  ///< [H] a further window per head, which hides sinks too; 0: none.
                              ///< Empty: none
  std::vector<int> sides;  ///< [H] −1: the head sees no later token; 1: no earlier one; 0: both.
                           ///< Empty: both

  /// Whether head h of token i sees token j, neither of them padding.
  bool sees(int h, int i, int j) const {
    const auto within = [&](int size) { return size <= 0 || (i - j < size && j - i < size); };
    return (!causal || j <= i) && (within(window) || j < sinks) &&
           (of_heads.empty() || within(of_heads[h])) && (sides.empty() || sides[h] * (j - i) >= 0);
  }
};

/// Returns z [B, Tq, H, d] for v [B, Tk, H, d]. Query row t has token index queries.first + t, key
/// row t has keys.first + t. Rows that see no key, and padding rows, are zero. Throws UsageError
/// for a combination that it can't compute. With an `observer`, `seen` is set to its sums [H].
Var attention(const Dots&, const Var& v, const ScoreTerms&, const Mask&, const Positions& queries,
              const Positions& keys, const AttentionObserver* observer = nullptr,
              std::vector<HeadSums>* seen = nullptr);

}  // namespace yonder

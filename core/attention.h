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
/// with far_q_i·far_k_j in place of q_i·k_j where |i − j| ≥ far_window, other queries by chunks of
/// positions, or a product that goes through the tokens between (see Dots); i and j are positions.
/// Entmax or sticks may stand for softmax (Weights). `row` multiplies q (and far_q) before any
/// other use, so B[r]·k_j and c stay as they are. Memory is linear in the lengths, forward and
/// backward: tiles of scores are never stored, one log-sum-exp a row is.
namespace yonder {

/// Maps a distance i − j within least..most to a row of a relative table.
struct Buckets {
  int rows = 0;          ///< R
  int least = 0;         ///< smallest distance that can be asked for
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
/// time and never stored whole. `forward` writes bias [H, rows, Tk] of query rows
/// first..first+rows−1 of sequence b; `backward` is given d(loss)/d(bias) of such a strip, in the
/// same layout, and adds to the gradients of what made it. Where `shared`, the strip is the same
/// for every sequence, is asked for with b = 0 and gets the gradient summed over the sequences.
struct StripBias {
  /// Writes the bias of a strip.
  std::function<void(int b, int first, int rows, real* bias)> forward;
  /// Adds to the gradients of `inputs`, from that of the bias.
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

/// How the scores of a row become the weights of its values.
enum class Weights {
  softmax,  ///< z_i = Σ_j softmax_j(score_ij) v_j
  /// A_ij = max((α − 1) score_ij − τ_i, 0)^(1/(α−1)), τ_i such that Σ_j A_ij = 1
  entmax,
  /// A_ij = σ(s_ij) Π_{j<l<i} (1 − σ(s_il)) over the keys before the query's own token. What a row
  /// leaves of 1 is lost, or goes to the query's own value. Causal only.
  stick_breaking,
  stick_breaking_remainder_to_own
};

/// What is added to the products q_i·k_j, and how a row of scores becomes weights.
struct ScoreTerms {
  real scale = 1;                          ///< of all dot products
  std::vector<RelativeTerm> relative;      ///< by buckets of i − j
  std::vector<StripBias> strips;           ///< biases that depend on more than i − j
  std::vector<ContextualTerm> contextual;  ///< CoPE
  /// [B, Tk, H], of each key's token, in the order of the tokens: a query's score of key j gains
  /// the sum over the tokens after j up to its own (FoX). Causal only.
  Var log_gate;
  Var sink;                            ///< [H]; softmax divides by e^sink_h more
  Weights weights = Weights::softmax;  ///< how scores become weights
  double alpha = 1.5;                  ///< α of entmax, > 1
};

/// q_i·k_j, or far_q_i·far_k_j where |i − j| ≥ far_window > 0. In a bidirectional model the far
/// product of keys to the right (j − i ≥ w) uses `far_q_right`, if given. q and k may be wider than
/// v.
struct Dots {
  Var q, k;            ///< [B, Tq, H, dk], [B, Tk, H, dk]
  Var far_q, far_k;    ///< as q and k
  Var far_q_right;     ///< as q; empty: far_q serves both sides
  int far_window = 0;  ///< 0: q_i·k_j at every distance
  Var previous_q;      ///< as q, for the keys of the chunk before a query's own, ⌊i/chunk⌋
  Var older_q;         ///< as q, for the keys of older chunks
  int chunk = 0;       ///< positions of a chunk, in place of far_window, causal only; 0: none
  Tensor row;          ///< [B or 1, Tq] factor of a query's row of q and far_q; empty: 1
  /// [B, Tk, H, dk], ≤ 0, of each key's token, in the order of the tokens: the product of column c
  /// gains the factor e^(sum over the tokens after j up to the query's own) (wall). Causal only.
  Var log_decay;
  /// What stands between q_i and k_j (PaTH): q_i·H_i H_{i−1} … H_{j+1} k_j, H_t = I − β_t w_t w_tᵀ,
  /// of each key's token. Causal only.
  struct Path {
    Var w, beta;  ///< [B, Tk, H, dk], [B, Tk, H]; empty: nothing
  };
  Path path;  ///< empty: nothing
};

/// Which keys a query sees, by the index of its token: its own and earlier ones if `causal`; fewer
/// than `window` tokens apart if window > 0 (causal: the last `window` keys, itself included);
/// never padding.
struct Mask {
  bool causal = true;         ///< no token sees a later one
  int window = 0;             ///< 0: unlimited
  int sinks = 0;              ///< the first tokens of a sequence are seen beyond `window` too
  std::vector<int> of_heads;  ///< [H] one window more for each head, with no sinks; 0: none.
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

/// z [B, Tq, H, d]. v is [B, Tk, H, d]. Query row t has token index queries.first + t, key row t
/// has keys.first + t. Rows that see no key, and rows of padding, give zeros. Throws UsageError for
/// a term that it can't compute. `seen` [H], if given, becomes what `observer` asks for.
Var attention(const Dots&, const Var& v, const ScoreTerms&, const Mask&, const Positions& queries,
              const Positions& keys, const AttentionObserver* observer = nullptr,
              std::vector<HeadSums>* seen = nullptr);

}  // namespace yonder

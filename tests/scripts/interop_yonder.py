"""YonderForCausalLM in numpy, written from the formulas of encodings/*.cpp and not from
modeling_yonder.py: one sequence, in double precision. Used by interop.py."""
import math

import numpy as np


def norm(x, w, name):
    y = x - x.mean(-1, keepdims=True)
    y = y / np.sqrt((y * y).mean(-1, keepdims=True) + 1e-5)
    return y * w[name + ".weight"] + w[name + ".bias"]


def gelu(x):
    return x / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


def softmax(s, sink=None):
    top = s.max(-1, keepdims=True)
    p = np.exp(s - top)
    rest = 0 if sink is None else np.exp(sink[:, None, None] - top)
    return p / (p.sum(-1, keepdims=True) + rest)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softplus(x):
    return np.log1p(np.exp(-abs(x))) + np.maximum(x, 0)


def linear(x, w, name):
    return x @ w[name + ".weight"].T.astype(float) + w.get(name + ".bias", 0)


def unit(x):
    return x / np.sqrt((x * x).sum(-1, keepdims=True) + 1e-6)


def depthwise(x, kernel):  # y[t, c] = sum_m kernel[c, m] x[t + m - K + 1, c]
    T, K = len(x), kernel.shape[1]
    padded = np.concatenate([np.zeros((K - 1, x.shape[1])), x])
    return sum(kernel[:, m] * padded[m:m + T] for m in range(K))


def embedded(config, w, tokens):
    x = math.sqrt(config["hidden_size"]) * w["embed.weight"][tokens].astype(float)
    if "conv" in config:
        skip = config["conv"]["skip"]
        for kernel in w["tables.conv.weight"].astype(float):
            y = depthwise(x[skip:], kernel)
            if config["conv"]["padding"] == "none":
                y[:kernel.shape[1] - 1] = 0
            x = np.concatenate([x[:skip], x[skip:] + y])
    if "rnn" in config:
        h, states, at = np.zeros(x.shape[1]), [], "tables.rnn.gru."
        for given in x @ w[at + "weight_ih"].T.astype(float) + w[at + "bias_ih"]:
            r_in, z_in, n_in = np.split(given, 3)
            r, z, n = np.split(w[at + "weight_hh"].astype(float) @ h + w[at + "bias_hh"], 3)
            r, z = sigmoid(r_in + r), sigmoid(z_in + z)
            h = (1 - z) * np.tanh(n_in + r * n) + z * h
            states.append(h)
        x = x + states
    x = x * w["tables.factors"][:len(x)] if "tables.factors" in w else x
    return x + w["tables.positions"][:len(x)] if "tables.positions" in w else x


def complex_turns(x, angle, layout):  # x [T, H, d], angle [T, H or 1, d/2]
    half = x.shape[2] // 2
    z = x[..., :half] + 1j * x[..., half:] if layout == "half" else x[..., ::2] + 1j * x[..., 1::2]
    z = z * np.exp(1j * angle)
    return np.concatenate([z.real, z.imag], -1)


def queries_and_keys(said, w, at, n, q, k, seen):
    """Returns q and k before their dot product, without rotations that depend only on position."""
    T, H, d = q.shape
    if "qknorm" in said:
        def rms(x):
            return x / np.sqrt((x * x).mean(-1, keepdims=True) + 1e-6)
        of = said["qknorm"]["of"]
        q = rms(q) * w.get(at + "qknorm.query", 1) if of != "key" else q
        k = rms(k) * w.get(at + "qknorm.key", 1) if of != "query" else k
        q = q * w.get(at + "qknorm.scale", np.ones(H))[:, None]
    if "pope" in said:
        turn = np.exp(1j * np.arange(T)[:, None, None] / said["pope"]["base"] ** (np.arange(d) / d))
        a = softplus(q) * turn
        b = softplus(k) * turn * np.exp(1j * w[at + "pope.phase"].astype(float))
        q, k = (np.concatenate([z.real, z.imag], -1) for z in (a, b))
    if at + "row" in w:
        q = q * w[at + "row"][:T, :, None]
    if "ssmax" in said:  # by content, Vasylenko et al. 2025, sec. 4.3
        heads, factor = len(w[at + "ssmax.beta"]), np.ones((T, H))
        count = seen.sum(-1).T[:, H - heads:]
        beta, gamma = (n @ w[at + "ssmax." + x].T.astype(float) for x in ("beta", "gamma"))
        factor[:, H - heads:] += softplus(beta) * np.log(count + 1) ** (2 * np.tanh(gamma))
        q = q * factor[..., None]
    if "selective" in said:
        phi = depthwise(linear(linear(unit(n.reshape(T, H, d)).reshape(T, -1), w, at + "selective.down"),
                               w, at + "selective.up"), w[at + "selective.conv"].astype(float))
        speed = said["selective"]["base"] ** (-2 * np.arange(d // 2) / d)
        angle = np.cumsum(phi, 0).reshape(T, H, d // 2) * speed
        q, k = (complex_turns(x, angle, said["selective"]["layout"]) for x in (q, k))
    return q, k


def products(said, w, at, n, q, k):
    T, H = q.shape[:2]
    s = np.einsum("ihc,jhc->hij", q, k)
    if "wall" in said:
        P = np.cumsum(-softplus(-linear(n, w, at + "wall")), 0).reshape(T, H, -1)
        s = np.zeros((H, T, T))
        for i in range(T):
            decayed = k[:i + 1] * np.exp(P[i] - P[:i + 1])
            s[:, i, :i + 1] = np.einsum("hc,jhc->hj", q[i], decayed)
    if "path" in said:
        y = depthwise(linear(linear(n, w, at + "path.down"), w, at + "path.up"),
                      w[at + "path.conv"].astype(float))
        u = unit((y * sigmoid(y)).reshape(T, H, -1))
        beta, s = 2 * sigmoid(linear(n, w, at + "path.beta")), np.zeros((H, T, T))
        for h in range(H):
            for i in range(T):
                left = q[i, h]  # q_i H_i ... H_(j+1)
                for j in range(i, -1, -1):
                    s[h, i, j] = left @ k[j, h]
                    left = left - beta[j, h] * (left @ u[j, h]) * u[j, h]
    chunk = np.arange(T)
    for turn in said.get("turns", []):
        def turned(x, table):
            return x * table[0, :T] + x[..., said["partner"]] * table[1, :T]
        own = np.einsum("ihc,jhc->hij", turned(q, w[turn["q"]]), turned(k, w[turn["k"]]))
        apart = chunk[:, None] // turn["chunk"] - chunk // turn["chunk"]
        s = np.where(apart >= turn["from"], own, s)
    if at + "columns.q" in w:
        s = s + np.einsum("ihc,jhc->hij", w[at + "columns.q"][:T].astype(float), w[at + "columns.k"][:T])
    return s


def cope(s, q, table, scale):  # p_ij counts the gates from key j to query i
    more = np.zeros_like(s)
    for h, i in np.ndindex(s.shape[:2]):
        p = np.minimum(np.cumsum(sigmoid(s[h, i, i::-1]))[::-1], len(table) - 1)
        e = scale * table @ q[i, h]
        more[h, i, :i + 1] = np.interp(p, np.arange(len(table)), e)
    return more


def fire(said, w, at, T):
    c, multiplier = float(w[at + "c"][0]), float(w[at + "multiplier"][0])
    bias = np.zeros((len(w[at + "mlp.out.bias"]), T, T))
    for i in range(T):
        x = np.log(abs(c) * np.arange(i, -1, -1) + 1)
        x = x / (np.log(abs(c) * max(abs(multiplier) * said["threshold"], i) + 1) + 1e-6)
        hidden = np.maximum(linear(x[:, None], w, at + "mlp.in"), 0)
        bias[:, i, :i + 1] = linear(hidden, w, at + "mlp.out").T
    return bias


def fox(said, w, at, n, H):
    if said["gate"] == "fixed":
        first = said["shortest"] or 2 ** (8 / H)
        log_f = -1 / (first * (said["longest"] / first) ** (np.arange(H) / max(1, H - 1)))
    elif said["gate"] == "bias":
        log_f = -softplus(-w[at + "bias"].astype(float))
    else:
        log_f = -softplus(-linear(n, w, at[:-1]))
    sums = np.cumsum(np.broadcast_to(log_f, (len(n), H)), 0)
    return np.array([np.subtract.outer(sums[:, h], sums[:, h]) for h in range(H)])


def dape(s, bias, w, at):
    into, out = w[at + "in.weight"].astype(float), w[at + "out.weight"].astype(float)
    H, T, K = s.shape[0], s.shape[1], into.shape[2]
    x = np.concatenate([s, bias]) if into.shape[1] > H else s
    more, reach = np.zeros_like(s), K // 2
    for i in range(T):
        def along(y, kernel, b, columns):  # convolves y [C, columns], zero-padded
            y = np.pad(y, ((0, 0), (reach, reach + columns - y.shape[1])))
            return b[:, None] + sum(kernel[..., m] @ y[:, m:m + columns] for m in range(K))
        hidden = along(x[:, i, :i + 1], into, w[at + "in.bias"], i + 2)
        hidden = np.where(hidden > 0, hidden, 0.01 * hidden)
        more[:, i, :i + 1] = along(hidden, out, w[at + "out.bias"], i + 2)[:, :i + 1]
    return more


def entmax(s, alpha):
    z = (alpha - 1) * s
    low = z.max(-1, keepdims=True) - 1
    high = low + 1
    for _ in range(60):
        middle = (low + high) / 2
        enough = (np.maximum(z - middle, 0) ** (1 / (alpha - 1))).sum(-1, keepdims=True) >= 1
        low, high = np.where(enough, middle, low), np.where(enough, high, middle)
    return np.maximum(z - low, 0) ** (1 / (alpha - 1))


def sticks(s, rest_to_own):
    p = np.zeros_like(s)
    for h, i in np.ndindex(s.shape[:2]):
        left = 1.0
        for j in range(i - 1, -1, -1):
            taken = sigmoid(s[h, i, j])
            p[h, i, j], left = left * taken, left * (1 - taken)
        p[h, i, i] = left if rest_to_own else 0
    return p


def weights(s, said, sink):
    if said["weights"] == "entmax":
        return entmax(s, said["alpha"])
    if said["weights"] != "softmax":
        with np.errstate(over="ignore"):
            return sticks(s, said["weights"] == "sticks, rest to own")
    return softmax(s, sink)


def attention(config, w, layer, n):
    said, at = config["attention_tables"][layer], f"tables.{layer}."
    T, H = len(n), config["num_attention_heads"]
    distance = np.subtract.outer(np.arange(T), np.arange(T))
    n = n + w[at + "input"][:T] if at + "input" in w else n
    q, k, v = (linear(n, w, f"blocks.{layer}.attn.{p}").reshape(T, H, -1) for p in "qkv")
    seen = np.broadcast_to(distance >= 0, (H, T, T)).copy()
    if said["window"]:
        seen &= (distance < said["window"]) | (np.arange(T) < said["sinks"])
    for h, own in enumerate(said["of_heads"]):
        seen[h] &= (own == 0) | (distance < own)
    q, k = queries_and_keys(said, w, at, n, q, k, seen)
    s, bias, values = products(said, w, at, n, q, k), np.zeros((H, T, T)), []
    terms = [f"{at}{t}." for t in range(said["terms"])]
    for t in terms:
        if t + "f" in w:
            s = s * w[t + "f"][w[t + "bucket"].astype(int)[np.maximum(distance, 0)]]
    for t in terms:
        r = w[t + "bucket"].astype(int)[np.maximum(distance, 0)]
        A, B, V = (np.broadcast_to(w[t + m], (len(w[t + m]), H, q.shape[2]))
                   if t + m in w else None for m in "ABV")
        if A is not None:
            s = s + np.einsum("ihc,ijhc->hij", q, A[r])
        if B is not None:
            s = s + np.einsum("ijhc,jhc->hij", B[r], k)
        if t + "c" in w:
            bias = bias + w[t + "c"][r].transpose(2, 0, 1)
        if V is not None:
            values.append(V[r])
    s = said["scale"] * s
    if at + "contextual" in w:
        s = s + cope(np.where(seen, s, -np.inf), q, w[at + "contextual"].astype(float), said["scale"])
    if "fire" in said:
        bias = bias + fire(said["fire"], w, at + "fire.", T)
    if "fox" in said:
        bias = bias + fox(said["fox"], w, at + "fox.", n, H)
    if "dape" in said:
        bias = bias + dape(s, bias, w, at + "dape.")
    p = weights(np.where(seen, s + bias, -np.inf), said, w.get(at + "sink"))
    z = np.einsum("hij,jhc->ihc", p, v)
    for V in values:
        z = z + np.einsum("hij,ijhc->ihc", p, V)
    if "gate" in said:
        z = z * sigmoid(linear(n, w, at + "gate")).reshape(T, H, -1)
    return linear(z.reshape(T, -1), w, f"blocks.{layer}.attn.o")


def logits(config, w, tokens):
    assert len(tokens) <= config["max_position_embeddings"]
    if len(tokens) <= config["trained_length"]:
        w = {**w, **{name[len("short."):]: t for name, t in w.items() if name.startswith("short.")}}
    x = embedded(config, w, tokens)
    for layer in range(config["num_hidden_layers"]):
        at = f"blocks.{layer}."
        x = x + attention(config, w, layer, norm(x, w, at + "norm1"))
        x = x + linear(gelu(linear(norm(x, w, at + "norm2"), w, at + "mlp.up")), w, at + "mlp.down")
    return linear(norm(x, w, "norm"), w, "head")

"""A yonder Transformer with its position encoding; this file has only the parts the model needs.

Pre-norm blocks: x = sqrt(D) embed[token];  x = x + O attention(norm1(x));
x = x + Down gelu(Up norm2(x));  logits = Head norm(x).  The score of a query and a key is
q.k times said["scale"], plus what the encoding adds; its tables are in model.safetensors.
"""
import math

import torch
from torch import nn
from torch.nn import functional as F
from transformers import GenerationMixin, PretrainedConfig, PreTrainedModel
from transformers.modeling_outputs import CausalLMOutput


class YonderConfig(PretrainedConfig):
    model_type = "yonder"

    def __init__(self, shapes=None, attention_tables=None, **others):
        super().__init__(**others)
        self.shapes, self.attention_tables = shapes or {}, attention_tables or []


# <qknorm>
def rms(x):
    return x / (x.square().mean(-1, keepdim=True) + 1e-6).sqrt()


# </qknorm>
# <path selective>
def unit(x):
    return x / (x.square().sum(-1, keepdim=True) + 1e-6).sqrt()


# </path selective>
# <conv path selective>
def convolved(x, kernel):
    """Causal convolution of each column of x [B, T, C]; kernel [C, K], the token's own tap last."""
    C, K = kernel.shape
    return F.conv1d(F.pad(x.transpose(1, 2), (K - 1, 0)), kernel[:, None], groups=C).transpose(1, 2)


# </conv path selective>
# <entmax>
def entmax(score, alpha):
    """max((alpha - 1) score - tau, 0)^(1/(alpha - 1)), tau such that the sum is 1."""
    z, power, step = (alpha - 1) * score, 1 / (alpha - 1), 1.0
    with torch.no_grad():
        tau = z.max(-1, keepdim=True).values - 1
        for _ in range(30):
            step /= 2
            tau = tau + step * ((z - tau - step).clamp(min=0)**power).sum(-1, keepdim=True).ge(1)
    x = (z - tau).clamp(min=0)  # a Newton step, which carries the gradient
    slope = torch.where(x > 0, power * x**(power - 1), 0).sum(-1, keepdim=True).detach()
    return (z - tau - ((x**power).sum(-1, keepdim=True) - 1) / slope).clamp(min=0)**power


# </entmax>
class YonderForCausalLM(PreTrainedModel, GenerationMixin):
    config_class = YonderConfig

    def __init__(self, config):
        super().__init__(config)
        for name, shape in config.shapes.items():  # "blocks.0.norm1.weight": one module per dot
            module, *inner, last = self, *name.split(".")
            for part in inner:
                if part not in module._modules:
                    module.add_module(part, nn.Module())
                module = module._modules[part]
            module.register_parameter(last, nn.Parameter(torch.zeros(shape)))
        self.post_init()

    def _init_weights(self, module):
        pass  # every weight is in the file

    def normed(self, x, w, name):
        return F.layer_norm(x, x.shape[-1:], w[name + ".weight"], w[name + ".bias"],
                            self.config.layer_norm_eps)

    # <pope>
    def pope(self, q, k, said, phase):
        """Magnitudes softplus(q), softplus(k), rotated by i base^(-c/d), k also by the phase."""
        T, _, d = q.shape[1:]
        speed = said["base"] ** (-torch.arange(d, device=q.device, dtype=torch.double) / d)
        angle = torch.arange(T, device=q.device)[:, None, None] * speed

        def turned(x, by):
            x = F.softplus(x)
            return torch.cat([x * by.cos().to(x.dtype), x * by.sin().to(x.dtype)], -1)
        return turned(q, angle), turned(k, angle + phase)

    # </pope>
    # <selective>
    def selective(self, x, q, k, said, w, at):
        """Rotates q and k of a token by base^(-2m/d) times the sum of phi up to the token."""
        B, T, H, d = q.shape
        phi = F.linear(F.linear(unit(x.view(q.shape)).flatten(2), w[at + "down.weight"]),
                       w[at + "up.weight"])
        speed = said["base"] ** (-torch.arange(0, d, 2, device=x.device, dtype=torch.double) / d)
        angle = convolved(phi, w[at + "conv"]).double().cumsum(1).view(B, T, H, -1) * speed
        cos, sin = angle.cos().to(x.dtype), angle.sin().to(x.dtype)

        def turned(y):
            if said["layout"] == "half":
                a, b = y.chunk(2, -1)
                return torch.cat([a * cos - b * sin, a * sin + b * cos], -1)
            a, b = y[..., ::2], y[..., 1::2]
            return torch.stack([a * cos - b * sin, a * sin + b * cos], -1).flatten(-2)
        return turned(q), turned(k)

    # </selective>
    # <wall>
    def wall(self, x, q, k, w, at):
        """sum over columns c of q_ic k_jc exp(P_ic - P_jc), P the sums of ln sigmoid(W n + b)."""
        P = F.logsigmoid(F.linear(x, w[at + "weight"], w[at + "bias"])).double().cumsum(1)
        product = 0
        for a, b, p in zip(*(y.reshape(q.shape).permute(3, 0, 2, 1) for y in (q, k, P))):
            decay = (p[..., :, None] - p[..., None, :]).clamp(max=0).exp()
            product = product + a[..., :, None] * b[..., None, :] * decay.to(q.dtype)
        return product

    # </wall>
    # <path>
    def path(self, x, q, k, w, at):
        """q_i H_i ... H_(j+1) k_j, H_t = I - beta_t u_t u_t^T: each token reflects earlier keys."""
        y = F.linear(F.linear(x, w[at + "down.weight"]), w[at + "up.weight"])
        u = unit(F.silu(convolved(y, w[at + "conv"])).view(k.shape))
        beta = 2 * F.linear(x, w[at + "beta.weight"], w[at + "beta.bias"]).sigmoid()
        rows, keys, T = [], k[:, :0], k.shape[1]
        for t in range(T):
            now = u[:, t:t + 1]
            keys = keys - beta[:, t:t + 1, :, None] * now * (keys * now).sum(-1, keepdim=True)
            keys = torch.cat([keys, k[:, t:t + 1]], 1)
            rows.append(F.pad(torch.einsum("bhc,bjhc->bhj", q[:, t], keys), (0, T - 1 - t)))
        return torch.stack(rows, 2)

    # </path>
    # <contextual>
    def contextual(self, score, q, seen, scale, table):
        """q.e(p), p the sum of sigmoid(score) from key to query, e interpolated in the table."""
        gates = score.sigmoid().masked_fill(~seen, 0)
        p = gates.flip(-1).cumsum(-1).flip(-1).clamp(max=len(table) - 1)
        e = scale * torch.einsum("bihc,rc->bhir", q, table)
        low = p.floor()
        return torch.lerp(e.gather(3, low.long()), e.gather(3, p.ceil().long()), p - low)

    # </contextual>
    # <fire>
    def fire(self, distance, said, w, at):
        """f(psi(i - j)/psi(max(i, threshold))) of each head, psi(x) = ln(|c| x + 1), f a small MLP."""
        def psi(x):
            return torch.log1p(w[at + "c"].abs() * x)
        i = torch.arange(len(distance), device=distance.device)
        top = torch.maximum(i, w[at + "multiplier"].abs() * said["threshold"])
        x = psi(distance.clamp(min=0)) / (psi(top) + 1e-6)[:, None]
        bias = w[at + "mlp.out.bias"][:, None, None]
        for weight, b, out in zip(w[at + "mlp.in.weight"][:, 0], w[at + "mlp.in.bias"],
                                  w[at + "mlp.out.weight"].T):
            bias = bias + out[:, None, None] * F.relu(weight * x + b)
        return bias

    # </fire>
    # <fox>
    def fox(self, x, said, w, at):
        """The sum of ln sigmoid(w.n + b) over the tokens after the key."""
        B, T, _ = x.shape
        H = self.config.num_attention_heads
        if at + "weight" in w:
            gate = F.linear(x, w[at + "weight"], w[at + "bias"])
        elif at + "bias" in w:
            gate = w[at + "bias"].expand(B, T, H)
        else:  # fixed: a score drops by 1 over so many tokens
            first = said["shortest"] or 2 ** (8 / H)
            share = torch.arange(H, device=x.device, dtype=torch.double) / max(1, H - 1)
            gate = -torch.log(torch.expm1(1 / (first * (said["longest"] / first) ** share)))
            gate = gate.expand(B, T, H)
        sums = F.logsigmoid(gate.double()).cumsum(1).transpose(1, 2)
        return (sums[..., :, None] - sums[..., None, :]).to(x.dtype)

    # </fox>
    # <dape>
    def dape(self, score, bias, w, at):
        """Two convolutions along the keys, of scores and biases; hidden columns reach one key further."""
        x, pad = score, (0, w[at + "in.weight"].shape[2] // 2)
        if w[at + "in.weight"].shape[1] > x.shape[1]:
            x = torch.cat([x, bias + torch.zeros_like(x)], 1)
        hidden = F.leaky_relu(F.conv2d(F.pad(x.tril(), (0, 1)), w[at + "in.weight"][:, :, None],
                                       w[at + "in.bias"], padding=pad), 0.01)
        return F.conv2d(hidden.tril(1), w[at + "out.weight"][:, :, None], w[at + "out.bias"],
                        padding=pad)[..., :-1]

    # </dape>
    def attention(self, x, w, layer):
        said, at = self.config.attention_tables[layer], f"tables.{layer}."
        B, T, D = x.shape
        i = torch.arange(T, device=x.device)
        distance = i[:, None] - i
        seen = distance >= 0
        # <mask>
        if said["window"]:
            seen = seen & ((distance < said["window"]) | (i < said["sinks"]))
        if said["of_heads"]:
            own = torch.tensor(said["of_heads"], device=x.device)[:, None, None]
            seen = seen & ((own == 0) | (distance < own))
        # </mask>
        # <input>
        if at + "input" in w:
            x = x + w[at + "input"][:T]
        # </input>
        q, k, v = (F.linear(x, w[f"blocks.{layer}.attn.{p}.weight"])
                   .view(B, T, self.config.num_attention_heads, -1) for p in "qkv")
        # <qknorm>
        if "qknorm" in said:
            if said["qknorm"]["of"] != "key":
                q = rms(q) * w.get(at + "qknorm.query", 1)
            if said["qknorm"]["of"] != "query":
                k = rms(k) * w.get(at + "qknorm.key", 1)
            if at + "qknorm.scale" in w:
                q = q * w[at + "qknorm.scale"][:, None]
        # </qknorm>
        # <pope>
        if "pope" in said:
            q, k = self.pope(q, k, said["pope"], w[at + "pope.phase"])
        # </pope>
        # <row>
        if at + "row" in w:
            q = q * w[at + "row"][:T, :, None]
        # </row>
        # <ssmax>
        if "ssmax" in said:  # adaptive, for the last heads
            heads, n = len(w[at + "ssmax.beta"]), seen.sum(-1).expand(q.shape[2], T)
            power = (n[-heads:].T + 1).log().log() * 2 * F.linear(x, w[at + "ssmax.gamma"]).tanh()
            factor = 1 + F.softplus(F.linear(x, w[at + "ssmax.beta"])) * power.exp()
            q = q * F.pad(factor, (q.shape[2] - heads, 0), value=1)[..., None]
        # </ssmax>
        # <selective>
        if "selective" in said:
            q, k = self.selective(x, q, k, said["selective"], w, at + "selective.")
        # </selective>
        score, bias = torch.einsum("bihc,bjhc->bhij", q, k), 0
        # <wall>
        if "wall" in said:
            score = self.wall(x, q, k, w, at + "wall.")
        # </wall>
        # <path>
        if "path" in said:
            score = self.path(x, q, k, w, at + "path.")
        # </path>
        # <turns>
        for turn in said["turns"]:  # for queries and keys at least turn["from"] chunks apart
            a, b = (own[:T] * y + other[:T] * y[..., said["partner"]]
                    for y, (own, other) in ((q, w[turn["q"]]), (k, w[turn["k"]])))
            score = torch.where(i[:, None] // turn["chunk"] - i // turn["chunk"] >= turn["from"],
                                torch.einsum("bihc,bjhc->bhij", a, b), score)
        # </turns>
        # <columns>
        if at + "columns.q" in w:  # of positions only
            score = score + torch.einsum("ihc,jhc->hij", w[at + "columns.q"][:T], w[at + "columns.k"][:T])
        # </columns>
        # <terms>
        # r is the row of a distance in each term: f[r] q.k + q.A[r] + B[r].k, times the scale; c[r]
        # is added to the score and V[r] to the value.
        rows = []
        for t in range(said["terms"]):
            term = {n: w[f"{at}{t}.{n}"] for n in ("bucket", "A", "B", "V", "c", "f")
                    if f"{at}{t}.{n}" in w}
            r = term["bucket"].long()[distance.clamp(min=0)]
            rows.append((r, term))
            if "f" in term:
                score = score * term["f"][r]
        for r, term in rows:
            def of_heads(name):
                return term[name].expand(-1, q.shape[2], -1)
            if "A" in term:
                score = score + torch.einsum("bihc,rhc->bhir", q, of_heads("A")).gather(
                    3, r.expand(B, q.shape[2], T, T))
            if "B" in term:
                score = score + torch.einsum("rhc,bjhc->bhrj", of_heads("B"), k).gather(
                    2, r.expand(B, q.shape[2], T, T))
            if "c" in term:
                bias = bias + term["c"][r].permute(2, 0, 1)
        # </terms>
        score = said["scale"] * score
        # <contextual>
        if at + "contextual" in w:
            score = score + self.contextual(score, q, seen, said["scale"], w[at + "contextual"])
        # </contextual>
        # <fire>
        if "fire" in said:
            bias = bias + self.fire(distance, said["fire"], w, at + "fire.")
        # </fire>
        # <fox>
        if "fox" in said:
            bias = bias + self.fox(x, said["fox"], w, at + "fox.")
        # </fox>
        # <dape>
        if "dape" in said:
            bias = bias + self.dape(score, bias, w, at + "dape.")
        # </dape>
        p = self.weights((score + bias).masked_fill(~seen, -math.inf), said, w.get(at + "sink"))
        z = torch.einsum("bhij,bjhc->bihc", p, v)
        # <terms>
        for r, term in rows:
            if "V" in term:
                by_row = torch.zeros(*p.shape[:3], term["V"].shape[0], device=x.device, dtype=p.dtype)
                by_row = by_row.scatter_add(3, r.expand_as(p), p)
                z = z + torch.einsum("bhir,rhc->bihc", by_row,
                                     term["V"].expand(-1, q.shape[2], -1))
        # </terms>
        # <gate>
        if "gate" in said:
            z = z * F.linear(x, w[at + "gate.weight"]).sigmoid().view(B, T, q.shape[2], -1)
        # </gate>
        return F.linear(z.reshape(B, T, D), w[f"blocks.{layer}.attn.o.weight"])

    def weights(self, score, said, sink):
        # <entmax>
        if said["weights"] == "entmax":
            return entmax(score, said["alpha"])
        # </entmax>
        # <sticks>
        if said["weights"].startswith("sticks"):  # stick-breaking from the nearest earlier key on
            own = torch.eye(score.shape[-1], dtype=torch.bool, device=score.device)
            taken = score.masked_fill(own, -math.inf)
            left = F.logsigmoid(-taken)
            p = (F.logsigmoid(taken) + left.flip(-1).cumsum(-1).flip(-1) - left).exp()
            if said["weights"] == "sticks, rest to own":
                p = p + torch.diag_embed(1 - p.sum(-1))
            return p
        # </sticks>
        # <sink>
        if sink is not None:  # a key without a value
            sink = sink[:, None, None].expand(len(score), -1, score.shape[2], 1)
            return torch.cat([score, sink], -1).softmax(-1)[..., :-1]
        # </sink>
        return score.softmax(-1)

    def forward(self, input_ids, attention_mask=None, labels=None, **others):
        B, T = input_ids.shape
        if T > self.config.max_position_embeddings:
            raise ValueError(f"{T} tokens, and {self.config.max_position_embeddings} were exported; "
                             "export with a greater --length")
        if attention_mask is not None and (attention_mask[:, 1:] > attention_mask[:, :-1]).any():
            raise ValueError("padding is on the left; set padding_side to 'right'")
        w = dict(self.named_parameters())
        # <short>
        if T <= self.config.trained_length:
            w |= {name[6:]: table for name, table in w.items() if name.startswith("short.")}
        # </short>
        x = math.sqrt(self.config.hidden_size) * w["embed.weight"][input_ids]
        # <conv>
        skip, weight = self.config.conv["skip"], w["tables.conv.weight"]
        whole = weight.shape[2] - 1 if self.config.conv["padding"] == "none" else 0  # first full window
        for kernel in weight if T > skip else []:
            more = convolved(x[:, skip:], kernel)[:, whole:]
            x = torch.cat([x[:, :T - more.shape[1]], x[:, T - more.shape[1]:] + more], 1)
        # </conv>
        # <rnn>
        gru = [w["tables.rnn.gru." + n] for n in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")]
        states = [torch.zeros_like(x[:, 0])]
        for t in range(T):
            states.append(torch.gru_cell(x[:, t], states[-1], *gru))
        x = x + torch.stack(states[1:], 1)
        # </rnn>
        # <factors>
        x = x * w["tables.factors"][:T]
        # </factors>
        # <positions>
        x = x + w["tables.positions"][:T]
        # </positions>
        for layer in range(self.config.num_hidden_layers):
            at = f"blocks.{layer}."
            x = x + self.attention(self.normed(x, w, at + "norm1"), w, layer)
            h = F.gelu(F.linear(self.normed(x, w, at + "norm2"), w[at + "mlp.up.weight"]),
                       approximate="tanh")
            x = x + F.linear(h, w[at + "mlp.down.weight"])
        logits = F.linear(self.normed(x, w, "norm"), w["head.weight"])
        loss = None
        if labels is not None:
            loss = F.cross_entropy(logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten())
        return CausalLMOutput(loss=loss, logits=logits)

    def prepare_inputs_for_generation(self, input_ids, **others):
        return {"input_ids": input_ids}

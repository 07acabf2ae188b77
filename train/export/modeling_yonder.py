"""A Transformer of yonder, whose position encoding is written out as tables in model.safetensors.

Pre-norm blocks: x = sqrt(D) embed[token] + positions;  x = x + O attention(norm1(x));
x = x + Down gelu(Up norm2(x));  logits = Head norm(x).  A query's score of a key, r the row of their
distance in each term:  scale (f[r] row q.k + row q.A[r] + B[r].k) + c[r];  V[r] is added to the value.
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


class YonderForCausalLM(PreTrainedModel, GenerationMixin):
    config_class = YonderConfig

    def __init__(self, config):
        super().__init__(config)
        for name, shape in config.shapes.items():  # "blocks.0.norm1.weight": a module for each dot
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

    def attention(self, x, w, layer):
        said, at = self.config.attention_tables[layer], f"tables.{layer}."
        B, T, D = x.shape
        q, k, v = (F.linear(x, w[f"blocks.{layer}.attn.{p}.weight"])
                   .view(B, T, self.config.num_attention_heads, -1) for p in "qkv")
        i = torch.arange(T, device=x.device)
        distance = i[:, None] - i
        if at + "row" in w:
            q = q * w[at + "row"][:T, :, None]
        score, bias, rows = torch.einsum("bihc,bjhc->bhij", q, k), 0, []
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
        score = said["scale"] * score + bias
        seen = distance >= 0
        if said["window"]:
            seen = seen & ((distance < said["window"]) | (i < said["sinks"]))
        if said["of_heads"]:
            own = torch.tensor(said["of_heads"], device=x.device)[:, None, None]
            seen = seen & ((own == 0) | (distance < own))
        score = score.masked_fill(~seen, -math.inf)
        if at + "sink" in w:  # a key of no value
            sink = w[at + "sink"][:, None, None].expand(B, -1, T, 1)
            p = torch.cat([score, sink], -1).softmax(-1)[..., :-1]
        else:
            p = score.softmax(-1)
        z = torch.einsum("bhij,bjhc->bihc", p, v)
        for r, term in rows:
            if "V" in term:
                by_row = torch.zeros(*p.shape[:3], term["V"].shape[0], device=x.device, dtype=p.dtype)
                by_row = by_row.scatter_add(3, r.expand_as(p), p)
                z = z + torch.einsum("bhir,rhc->bihc", by_row,
                                     term["V"].expand(-1, q.shape[2], -1))
        return F.linear(z.reshape(B, T, D), w[f"blocks.{layer}.attn.o.weight"])

    def forward(self, input_ids, attention_mask=None, labels=None, **others):
        B, T = input_ids.shape
        if T > self.config.max_position_embeddings:
            raise ValueError(f"{T} tokens, and {self.config.max_position_embeddings} were exported; "
                             "export with a greater --length")
        if attention_mask is not None and (attention_mask[:, 1:] > attention_mask[:, :-1]).any():
            raise ValueError("padding stands on the left; set padding_side to 'right'")
        w = dict(self.named_parameters())
        x = math.sqrt(self.config.hidden_size) * w["embed.weight"][input_ids]
        if "tables.positions" in w:
            x = x + w["tables.positions"][:T]
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

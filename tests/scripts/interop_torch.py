"""Runs an exported folder's modeling_yonder.py in PyTorch, with stand-ins for what it imports from
transformers if that is not installed. Used by interop.py."""
import importlib.util
import sys
import types

import numpy as np
import torch

# With oneDNN, Debian 13's PyTorch 2.6 sometimes computes non-finite gradients of convolutions.
torch.backends.mkldnn.enabled = False


class Config:
    def __init__(self, **said):
        self.__dict__.update(said)


class Model(torch.nn.Module):
    def __init__(self, config):
        super().__init__()
        self.config = config

    def post_init(self):
        pass


def stand_in():
    outputs = types.ModuleType("transformers.modeling_outputs")
    outputs.CausalLMOutput = Config
    transformers = types.ModuleType("transformers")
    transformers.PretrainedConfig, transformers.PreTrainedModel = Config, Model
    transformers.GenerationMixin = object
    sys.modules.update({"transformers": transformers, "transformers.modeling_outputs": outputs})


def logits(folder, config, weights, tokens):
    try:
        import transformers  # noqa: F401
    except ImportError:
        stand_in()
    spec = importlib.util.spec_from_file_location("modeling_yonder", folder + "/modeling_yonder.py")
    modeling = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(modeling)
    model = modeling.YonderForCausalLM(modeling.YonderConfig(**config))
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(torch.tensor(weights[name]))
        given = torch.tensor(np.asarray(tokens), dtype=torch.long)
        found = model(given).logits.numpy()
    loss = model(given, labels=given).loss
    loss.backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in model.parameters())
    return found

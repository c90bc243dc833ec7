"""The pretrained models by name. Each module loads one, makes heads, turns rows to tensors and gives the logits of the classes."""

import torch
from transformers import logging

import decoder
import encoder

# Else each load tells what is left out.
logging.set_verbosity_error()
logging.disable_progress_bar()

MODELS = {"minilm": encoder, "smollm2": decoder}


def round_frozen(model):
    """Round the frozen linear weights inside the model to bfloat16: autocast would do so again for every batch. @returns the exact ones by name"""
    exact = {}
    for name, module in model.named_modules():
        if isinstance(module, torch.nn.Linear) and not module.weight.requires_grad and module is not model.get_output_embeddings():
            exact[f"{name}.weight"] = module.weight.data
            module.weight.data = module.weight.data.bfloat16()
    return exact

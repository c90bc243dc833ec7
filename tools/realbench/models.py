"""The pretrained models by name. Each module loads one, makes heads, turns rows to tensors and gives the logits of the classes."""

from transformers import logging

import decoder
import encoder

# Else each load tells what is left out.
logging.set_verbosity_error()
logging.disable_progress_bar()

MODELS = {"minilm": encoder, "smollm2": decoder}

"""Print the model types whose config classes tie the head to the embedding by default, for src/formats/tied-families.ts.

Needs: pip install transformers (5.24; no torch). A model of several parts is printed where its text part agrees.
"""

import logging

from transformers import CONFIG_MAPPING, __version__

logging.disable(logging.CRITICAL)


def tied(config) -> bool:
    return getattr(config, "tie_word_embeddings", False) is True


alone, parts, unread = [], [], []
for model_type in sorted(CONFIG_MAPPING.keys()):
    try:
        config = CONFIG_MAPPING[model_type]()
        text = config.get_text_config(decoder=True)
    except Exception:  # no default of its own
        unread.append(model_type)
        continue
    if tied(config) and tied(text):
        (alone if text is config else parts).append(model_type)

print("transformers", __version__)
print("alone:", *alone)
print("of several parts:", *parts)
print("not read:", *unread)

import { RefusedError } from "../core/errors.ts";
import type { GgufField } from "../formats/gguf/layout.ts";
import { isJsonObject, type JsonObject, type JsonValue, parseStrictJson } from "../formats/json.ts";

/** ggml's kinds of tokens. */
const NORMAL = 1;
const CONTROL = 3;
const USER_DEFINED = 4;
const UNUSED = 5;

/**
 * A tokenizer's metadata for a GGUF file, from its tokenizer.json: byte-level BPE with GPT-2's rule for words, as the Python library
 * tokenizers writes it.
 *
 * @param vocabulary rows of the embedding; ids that no token has become unused tokens
 * @param where what messages call the file
 * @throws RefusedError for another kind of tokenizer
 */
export function tokenizerFields(
  text: string,
  where: string,
  vocabulary: number,
  config: JsonObject,
): (readonly [string, GgufField])[] {
  const root = parseStrictJson(text, where);
  const model = isJsonObject(root) ? root.model : null;
  if (
    !isJsonObject(root) ||
    !isJsonObject(model) ||
    model.type !== "BPE" ||
    !isPlainByteLevel(root.pre_tokenizer ?? null)
  ) {
    throw new RefusedError(
      `${where} is not a byte-level BPE tokenizer that splits words as GPT-2 does, the only kind that lora-lego converts; write the GGUF file with llama.cpp's convert_hf_to_gguf.`,
    );
  }
  if ((root.normalizer ?? null) !== null) {
    throw new RefusedError(
      `${where} has a normalizer, which changes text before it is split and which lora-lego does not convert; write the GGUF file with llama.cpp's convert_hf_to_gguf.`,
    );
  }
  const tokens = Array.from({ length: vocabulary }, (_, id) => `[PAD${id}]`);
  const kinds = new Array<number>(vocabulary).fill(UNUSED);
  const put = (token: string, id: JsonValue | undefined, kind: number): void => {
    if (typeof id !== "number" || !Number.isSafeInteger(id) || id < 0 || id >= vocabulary) {
      throw new RefusedError(
        `${where} gives the token ${JSON.stringify(token)} the id ${JSON.stringify(id)}, but the model has ${vocabulary} rows; pass the tokenizer.json of this model.`,
      );
    }
    tokens[id] = token;
    kinds[id] = kind;
  };
  if (isJsonObject(model.vocab)) for (const [token, id] of Object.entries(model.vocab)) put(token, id, NORMAL);
  for (const added of list(root.added_tokens)) {
    if (isJsonObject(added)) put(String(added.content), added.id, added.special === true ? CONTROL : USER_DEFINED);
  }
  const merges = list(model.merges).map((merge) => (Array.isArray(merge) ? merge.join(" ") : String(merge)));
  const bos = config.bos_token_id;
  const begins =
    typeof bos === "number" && JSON.stringify(root.post_processor ?? null).includes(JSON.stringify(tokens[bos]));
  return [
    ["tokenizer.ggml.model", "gpt2"],
    ["tokenizer.ggml.pre", "gpt-2"],
    ["tokenizer.ggml.tokens", { texts: tokens }],
    ["tokenizer.ggml.token_type", { int32s: kinds }],
    ["tokenizer.ggml.merges", { texts: merges }],
    ...(["bos", "eos"] as const).flatMap((end): [string, GgufField][] => {
      const id = config[`${end}_token_id`];
      return typeof id === "number" ? [[`tokenizer.ggml.${end}_token_id`, { uint32: id }]] : [];
    }),
    ["tokenizer.ggml.add_bos_token", { bool: begins }],
  ];
}

function isPlainByteLevel(value: JsonValue): boolean {
  return (
    isJsonObject(value) && value.type === "ByteLevel" && value.use_regex !== false && value.add_prefix_space !== true
  );
}

function list(value: JsonValue | undefined): readonly JsonValue[] {
  return Array.isArray(value) ? value : [];
}

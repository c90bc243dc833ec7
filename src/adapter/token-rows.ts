import { formatShape } from "../core/shape.ts";
import type { PeftConfig } from "../formats/peft-folder/read-config.ts";
import type { TensorRef, TokenRows } from "./read-adapter.ts";
import type { Variant } from "./variants.ts";

/** An adapter's trained token rows: those whose tokens are known, the tensors of the others, and the resulting variants. */
export interface FoundTokenRows {
  readonly rows: ReadonlyMap<string, TokenRows>;
  readonly others: ReadonlyMap<string, TensorRef>;
  readonly variants: readonly Variant[];
}

/**
 * Match trained rows of embeddings with the tokens in trainable_token_indices.
 *
 * @param tensors trainable_tokens_delta by its embedding
 */
export function tokenRowsOf(
  tensors: ReadonlyMap<string, TensorRef>,
  { tokenIndices }: Pick<PeftConfig, "tokenIndices">,
): FoundTokenRows {
  const rows = new Map<string, TokenRows>();
  const others = new Map<string, TensorRef>();
  let wrong: string | null = null;
  const met = new Set<string>();
  for (const [module, tensor] of tensors) {
    const found = [...tokenIndices].find(([name]) => name === "" || `.${module}`.endsWith(`.${name}`));
    if (found !== undefined) met.add(found[0]);
    const indices = found?.[1] ?? [];
    if (tensor.shape.length === 2 && tensor.shape[0] === indices.length) {
      rows.set(module, { indices, tensor });
      continue;
    }
    others.set(tensor.name, tensor);
    wrong ??= `${tensor.name} is ${formatShape(tensor.shape)}, but its config names ${indices.length} tokens for it`;
  }
  const missing = [...tokenIndices.keys()].find((name) => !met.has(name));
  if (missing !== undefined) wrong ??= `its file holds no trained rows for ${missing || "the embedding"}`;
  return { rows, others, variants: variantsOf(tensors, tokenIndices.size > 0, wrong) };
}

function variantsOf(tensors: ReadonlyMap<string, TensorRef>, stated: boolean, wrong: string | null): Variant[] {
  if (tensors.size === 0 && !stated) return [];
  const [first] = tensors.values();
  const said = stated ? "trainable_token_indices" : `tensor ${first!.name}`;
  if (wrong !== null) {
    const text = `trains single token embeddings (${said}), and ${wrong}; save the adapter again, or pass the config that belongs to it.`;
    return [{ id: "incomplete", of: "token_indices", text }];
  }
  const text = `trains single token embeddings (${said}), which lora-lego writes into PEFT folders only; keep it in one, fuse it into its base model, or leave the rows out with --extras drop.`;
  return [{ id: "token_indices", text }];
}

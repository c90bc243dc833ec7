import type { Adapter, AdapterModule, TokenRows } from "../adapter/adapter.ts";
import { denseFactor } from "../adapter/dense-factor.ts";
import { isHeadName } from "../adapter/names/vocabulary.ts";
import { isFactorDtype, isOutputDtype } from "../core/elements.ts";
import { RefusedError } from "../core/errors.ts";
import { formatShape } from "../core/shape.ts";
import { withoutBaseLayer } from "../formats/peft-folder/inner-keys.ts";
import { withoutPeftPrefix } from "../formats/peft-folder/keys.ts";
import type { ChangedTensors } from "./changed-tensors.ts";

/** An adapter that takes part in a fusion. */
export interface Fusing {
  readonly adapter: Adapter;
  /** Its index among the inputs. */
  readonly input: number;
  /** Its weight times the scale of all. */
  readonly factor: number;
  /** Whether it is the only adapter fused. */
  readonly alone: boolean;
}

/**
 * The tensors that an adapter holds in full: copies of the base's embeddings (base_layer), which PEFT loads over the base's, and fully
 * trained heads, biases and other modules.
 *
 * @throws RefusedError for those that fit nowhere, or come from several adapters
 */
export function placeOwnTensors(changed: ChangedTensors, fusing: Fusing, dropExtras: boolean): void {
  const { adapter, input, alone } = fusing;
  const { name, extras, baseCopies } = adapter;
  for (const [module, tensor] of baseCopies) {
    const wanted = `${name}: ${tensor.name}`;
    const path = `${module}.weight`;
    // With several adapters, a copy as large as the base's is assumed to be the same.
    if (!alone && changed.baseShape(path, wanted).join() === tensor.shape.join()) continue;
    changed.startFrom(path, { input, tensor }, wanted);
  }
  if (dropExtras || extras.size === 0) return;
  if (!alone) {
    throw new RefusedError(
      `${name} holds ${extras.size === 1 ? "a tensor" : `${extras.size} tensors`} besides its factors, which cannot replace the base's when another adapter is fused too; merge the adapters first (lora-lego merge --extras average or first), and fuse the result.`,
    );
  }
  for (const [key, tensor] of extras) {
    const path = withoutBaseLayer(withoutPeftPrefix(key));
    const wanted = `${name}: ${key}`;
    for (const draft of changed.at(path, wanted, headFollows(adapter)))
      changed.replace(draft, { input, tensor }, wanted);
  }
}

/** Whether a tied head follows what an adapter does to the embedding: PEFT was told so, and the adapter has nothing for the head itself. */
export function headFollows({ tiesWeights, modules, extras }: Adapter): boolean {
  const heads = [...modules.keys(), ...Array.from(extras.keys(), (key) => key.replace(/\.weight$/, ""))];
  return tiesWeights && !heads.some((path) => isHeadName(path));
}

/**
 * Biases next to B (lora_bias): each is added to the layer's own, times weight * scale * s.
 *
 * @param inBase the modules that the base holds, by their paths there
 * @throws RefusedError where a layer has no bias, as PEFT does
 */
export function placeBiases(
  changed: ChangedTensors,
  { adapter, input, factor }: Fusing,
  inBase: ReadonlyMap<string, AdapterModule>,
): void {
  const { name, magnitudes } = adapter;
  for (const [place, { name: module, bias, out, scale }] of inBase) {
    if (bias === undefined) continue;
    if (magnitudes.has(module)) {
      throw new RefusedError(
        `${name}: ${module} has both a magnitude (DoRA) and a bias next to B, whose order PEFT leaves open; merge it with PEFT, or retrain it without lora_bias.`,
      );
    }
    const [draft] = changed.at(`${place}.bias`, `${name}: ${bias.name}`, false);
    if (draft!.shape.join() !== String(out) || !isOutputDtype(draft!.dtype)) {
      throw new RefusedError(
        `${name}: ${bias.name} has ${out} numbers, but ${draft!.name} is ${draft!.dtype} ${formatShape(draft!.shape)}; pass the base model that the adapter was trained on.`,
      );
    }
    const along = denseFactor(bias, "rows", 1);
    draft!.parts.push({ input, module, factor: Math.fround(factor * scale), along, across: null, expert: null });
  }
}

/**
 * Replace the base's rows of embeddings with trained ones (trainable_token_indices). In a tied base the head's rows follow, unless the
 * head has rows of its own.
 *
 * @throws RefusedError for rows that the base lacks, or that something else changes too
 */
export function placeTokenRows(changed: ChangedTensors, { adapter, input, factor }: Fusing): void {
  const { name, tokenRows } = adapter;
  const follows = ![...tokenRows.keys()].some((module) => isHeadName(module));
  for (const [module, { indices, tensor }] of tokenRows) {
    const wanted = `${name}: ${tensor.name}`;
    if (factor !== 1) {
      throw new RefusedError(
        `${wanted} holds rows that replace the base's and cannot be scaled; fuse ${name} with weight and scale 1.`,
      );
    }
    const rows = { input, tensor, indices };
    for (const draft of changed.at(`${module}.weight`, wanted, follows)) {
      refuseRows(wanted, draft, rows);
      draft.rows.push(rows);
    }
  }
}

function refuseRows(wanted: string, draft: ReturnType<ChangedTensors["at"]>[number], rows: TokenRows): void {
  const { name, shape, dtype, parts } = draft;
  const { indices, tensor } = rows;
  const [count = 0, width] = tensor.shape;
  if (tensor.shape.length !== 2 || count !== indices.length || width !== shape[1] || !isFactorDtype(tensor.dtype)) {
    throw new RefusedError(
      `${wanted} is ${tensor.dtype} ${formatShape(tensor.shape)}, but must have ${indices.length} rows of ${name}, which is ${formatShape(shape)}; pass the base model that the adapter was trained on.`,
    );
  }
  const outside = indices.find((index) => index >= shape[0]!);
  if (outside !== undefined) {
    throw new RefusedError(
      `${wanted} is the row of token ${outside}, but ${name} has ${shape[0]} rows; resize the base model with transformers (resize_token_embeddings, save_pretrained), as before the training, and pass that.`,
    );
  }
  const taken = new Set(draft.rows.flatMap((other) => other.indices));
  const twice = indices.find((index, i) => taken.has(index) || indices.indexOf(index) !== i);
  if (twice !== undefined) {
    throw new RefusedError(
      `${wanted} is one of two rows for token ${twice} of ${name}; fuse one adapter after the other.`,
    );
  }
  if (parts.length > 0 || !isOutputDtype(dtype)) {
    throw new RefusedError(
      parts.length > 0
        ? `${wanted} holds rows of ${name}, to which ${parts[0]!.module} adds a delta, and nothing says which of the two counts; fuse one adapter after the other.`
        : `${name} is stored as ${dtype}, which cannot take new rows; pass the base model in f32, f16 or bf16.`,
    );
  }
}

import { RefusedError } from "../core/errors.ts";
import type { ModelConfig } from "../formats/model-config.ts";
import { isEmbeddingName, isHeadName } from "./names/vocabulary.ts";
import type { AdapterModule } from "./read-adapter.ts";

/** Layers of a language model that read its hidden size, and those that write it. */
const READS = /\.(q_proj|k_proj|v_proj|qkv_proj|gate_proj|up_proj|gate_up_proj|w1|w3)$/;
const WRITES = /\.(o_proj|down_proj|w2)$/;
const OTHER_PARTS = /(^|\.)(visual|vision\w*|audio\w*|image\w*|connector|multi_modal_projector|mm_\w+)\./;
const LAYER = /(^|\.)(?:layers|h|blk)\.(\d+)\./;
const PASS = "pass the base that it was trained on";

/**
 * Where an adapter's layers, widths and vocabulary contradict a base's config, each by its first module; empty where nothing does.
 *
 * @param base what messages call the base or its config
 */
export function misfits(
  modules: Iterable<AdapterModule>,
  base: string,
  { layers, hiddenSize, vocabSize }: Pick<ModelConfig, "layers" | "hiddenSize" | "vocabSize">,
): string[] {
  const own = [...modules].filter((module) => !OTHER_PARTS.test(module.name));
  const unlike = (sizeOf: (module: AdapterModule) => number | null, size: number | null): AdapterModule | undefined =>
    size === null ? undefined : own.find((module) => (sizeOf(module) ?? size) !== size);
  const beyond = layers === null ? undefined : own.find((module) => layerOf(module) >= layers);
  const wide = unlike(widthOf, hiddenSize);
  const worded = unlike(wordsOf, vocabSize);
  return [
    ...(beyond === undefined
      ? []
      : [`${beyond.name} is in layer ${layerOf(beyond)}, but ${base} has ${layers} layers (counted from 0); ${PASS}.`]),
    ...(wide === undefined
      ? []
      : [`${wide.name} has width ${widthOf(wide)}, but ${base} has hidden size ${hiddenSize}; ${PASS}.`]),
    ...(worded === undefined
      ? []
      : [
          `${worded.name} has ${wordsOf(worded)} tokens, but ${base} has vocab_size ${vocabSize}; resize the base's vocabulary to the adapter's first, or ${PASS}.`,
        ]),
  ];
}

/** @throws RefusedError for an adapter whose sizes contradict its base's config. @param where the config's file */
export function refuseMisfit(name: string, modules: Iterable<AdapterModule>, where: string, config: ModelConfig): void {
  const [first] = misfits(modules, where, config);
  if (first !== undefined) throw new RefusedError(`${name}: ${first}`);
}

function layerOf({ name }: AdapterModule): number {
  return Number(LAYER.exec(name)?.[2] ?? -1);
}

function widthOf({ name, in: inputs, out }: AdapterModule): number | null {
  if (!LAYER.test(name)) return null;
  if (READS.test(name)) return inputs;
  return WRITES.test(name) ? out : null;
}

function wordsOf({ name, kind, in: inputs, out }: AdapterModule): number | null {
  // Position tables are embeddings too.
  if (kind === "embedding") return isEmbeddingName(name) ? inputs : null;
  return isHeadName(name) ? out : null;
}

import type { Adapter, AdapterModule } from "../../adapter/adapter.ts";
import type { Consumer } from "../../adapter/consumers.ts";
import { isEmbeddingName, isHeadName } from "../../adapter/names/vocabulary.ts";
import type { BaseFacts } from "../base-facts.ts";
import { type Finding, fails } from "./finding.ts";

/** Layers of a language model that read its hidden size, and those that write it. */
const READS = /\.(q_proj|k_proj|v_proj|qkv_proj|gate_proj|up_proj|gate_up_proj|w1|w3)$/;
const WRITES = /\.(o_proj|down_proj|w2)$/;
const OTHER_PARTS = /(^|\.)(visual|vision\w*|audio\w*|image\w*|connector|multi_modal_projector|mm_\w+)\./;
const LAYER = /(^|\.)(?:layers|h|blk)\.(\d+)\./;

/** Whether an adapter's layers, widths and vocabulary match a config.json. */
export function checkConfigSizes({ modules }: Adapter, { title }: Consumer, { name, config }: BaseFacts): Finding[] {
  if (config === null) return [];
  const { layers, hiddenSize, vocabSize } = config;
  const own = [...modules.values()].filter((module) => !OTHER_PARTS.test(module.name));
  const found: Finding[] = [];
  const beyond = layers === null ? undefined : own.find((module) => layerOf(module) >= layers);
  if (beyond !== undefined) {
    found.push(
      fails(
        `it adapts ${beyond.name}, but ${name} has ${layers} layers (counted from 0), so ${title} has no place for it; ${PASS}.`,
      ),
    );
  }
  const wide =
    hiddenSize === null ? undefined : own.find((module) => widthOf(module) !== null && widthOf(module) !== hiddenSize);
  if (wide !== undefined) {
    found.push(fails(`${wide.name} has width ${widthOf(wide)}, but ${name} has hidden size ${hiddenSize}; ${PASS}.`));
  }
  const worded = vocabSize === null ? undefined : own.find((module) => (wordsOf(module) ?? vocabSize) !== vocabSize);
  if (worded !== undefined) {
    found.push(
      fails(
        `${worded.name} has ${wordsOf(worded)} tokens, but ${name} has vocab_size ${vocabSize}; resize the base's vocabulary to the adapter's first, or ${PASS}.`,
      ),
    );
  }
  return found;
}

const PASS = "pass the base that it was trained on";

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

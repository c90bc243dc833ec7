import { isJsonObject, parseStrictJson } from "../formats/json.ts";
import { layoutSafetensors, type SafetensorsLayout, type TensorSpec } from "../formats/safetensors/layout.ts";
import type { BaseConfig } from "./base-config.ts";
import type { BaseModel } from "./base-model.ts";
import type { FusePlan } from "./fuse-plan.ts";

/**
 * The layout of one shard of a fused model: as in the base, unless its tensors or their sizes change; then as Python's safetensors
 * would write it.
 *
 * @param shard index of the shard
 */
export async function layoutShard(base: BaseModel, plan: FusePlan, shard: number): Promise<SafetensorsLayout> {
  const { source, headerBytes, metadata } = base.shards[shard]!;
  const own = new Map([...base.tensors].filter(([, { file }]) => file === shard));
  const changed = [...plan.changed.values()].filter((change) => change.shard === shard);
  const alike = changed.every(({ name, shape, dtype }) => {
    const before = own.get(name);
    return before?.dtype === dtype && before.shape.join() === shape.join();
  });
  if (alike) {
    const header = new Uint8Array(headerBytes);
    await source.read(0, header);
    return { header, tensors: own, size: source.size };
  }
  const specs = new Map<string, TensorSpec>(own);
  for (const change of changed) specs.set(change.name, change);
  return layoutSafetensors([...specs.values()], metadata.size === 0 ? undefined : Object.fromEntries(metadata));
}

/** The config.json of a fused model; null where the base's own says the same. */
export async function fusedConfig(
  { text, where }: BaseConfig,
  { untied, vocabSize }: FusePlan,
): Promise<string | null> {
  const root = parseStrictJson(text, where);
  const nested = isJsonObject(root) && isJsonObject(root.text_config) ? [["text_config"]] : [];
  const edits: [path: string[], value: boolean | number][] = [];
  if (untied) for (const path of [[], ...nested]) edits.push([[...path, "tie_word_embeddings"], false]);
  if (vocabSize !== null) {
    const holders = [[], ...nested].filter((path) => fieldsAt(root, path).vocab_size !== undefined);
    for (const path of holders.length > 0 ? holders : [nested[0] ?? []])
      edits.push([[...path, "vocab_size"], vocabSize]);
  }
  if (edits.length === 0) return null;
  // Edit the text: parsing and writing it again would turn 1.0 into 1, which other programs read as another type.
  const { default: jsonc } = await import("jsonc-parser");
  const formattingOptions = { insertSpaces: true, tabSize: 2 };
  return edits.reduce(
    (edited, [path, value]) => jsonc.applyEdits(edited, jsonc.modify(edited, path, value, { formattingOptions })),
    text,
  );
}

function fieldsAt(root: ReturnType<typeof parseStrictJson>, path: readonly string[]) {
  const fields = path.reduce((value, key) => (isJsonObject(value) ? value[key]! : null), root);
  return isJsonObject(fields) ? fields : {};
}

/**
 * The index of a fused model's shards; null where the base's own says the same.
 *
 * @param text of the base's index
 * @param layouts of all shards
 */
export function fusedIndex(text: string, base: BaseModel, layouts: readonly SafetensorsLayout[]): string | null {
  const map: Record<string, string> = {};
  let grown = 0;
  let counted = 0;
  for (const [i, { tensors }] of layouts.entries()) {
    for (const [name, { begin, end, shape }] of tensors) {
      map[name] = base.shards[i]!.file;
      grown += end - begin;
      counted += shape.reduce((product, size) => product * size, 1);
    }
  }
  for (const { begin, end, shape } of base.tensors.values()) {
    grown -= end - begin;
    counted -= shape.reduce((product, size) => product * size, 1);
  }
  if (grown === 0 && Object.keys(map).length === base.tensors.size) return null;
  const index = parseStrictJson(text, `${base.name}: index`);
  const fields = isJsonObject(index) ? index : {};
  const metadata = isJsonObject(fields.metadata) ? { ...fields.metadata } : {};
  for (const [field, more] of [
    ["total_size", grown],
    ["total_parameters", counted],
  ] as const) {
    const before = metadata[field];
    if (typeof before === "number") Object.assign(metadata, { [field]: before + more });
  }
  const weightMap = Object.fromEntries(Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1)));
  return `${JSON.stringify({ ...fields, metadata, weight_map: weightMap }, null, 2)}\n`;
}

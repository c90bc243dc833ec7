import { bytesOf } from "../../core/dtype.ts";
import { FormatError, RefusedError } from "../../core/errors.ts";
import { INVOCATION_KEY } from "../../formats/gguf/types.ts";
import { type ModelConfig, parseModelConfig } from "../../formats/model-config.ts";
import { RECIPE_KEY } from "../../formats/recipe-key.ts";
import { refuseMisfit } from "../base-sizes.ts";
import { denseFactor } from "../dense-factor.ts";
import type { AdapterContents, Dialect } from "../dialect.ts";
import { expertModules } from "../expert-tensors.ts";
import { type FactorKey, pairFactors } from "../factor-pairs.ts";
import { heldTensor } from "../held-tensor.ts";
import { moduleOfFactors, type StridedModule } from "../module-of-factors.ts";
import { expertOfGguf, ggufFamilyOf, isGgufStack, misapplied, moduleOfGguf, reorderedBy } from "../names/gguf.ts";
import { GGUF_FAMILIES, type GgufFamily } from "../names/gguf-families.ts";
import { headOrder, inverseOf } from "../names/head-rows.ts";
import { addModule, plainAdapter } from "../plain-adapter.ts";
import type { AdapterModule, Notice, StridedFactor, TensorRef } from "../read-adapter.ts";
import { activatedVariant } from "../variants.ts";
import { areInTurn } from "../weights/gate-and-up.ts";
import { inParameters } from "../weights/in-parameters.ts";

const FACTOR = /^(.+)\.weight\.lora_([ab])$/;
/** The embedding's lora_a is stored transposed, so that its rows can be looked up. */
const TOKEN_EMBEDDING = "token_embd";

/**
 * The dialect of llama.cpp: <base tensor>.lora_a (r, in) and .lora_b (out, r), with those of experts one after the other, scale alpha / r, or 1
 * where alpha is 0. Modules get Hugging Face's names where their rows are in Hugging Face's order. Where a family permutes rows per head, that
 * takes the base's config.json; without it all modules keep the file's names, so such adapters merge only with each other.
 */
export const gguf: Dialect = {
  title: "GGUF (llama.cpp)",
  recognises: (key) => FACTOR.test(key),
  async read(contents) {
    const { name, tensors, metadata } = contents;
    const { pairs, others } = pairFactors(name, tensors.values(), factorKey, { a: "lora_a", b: "lora_b" });
    for (const { name: key } of others) {
      throw new RefusedError(
        `${name}: the tensor ${key} is not a LoRA factor, so merging the factors alone would lose it; convert the adapter again without it.`,
      );
    }
    const alpha = Number(metadata.get("adapter.lora.alpha") ?? 0);
    if (!Number.isFinite(alpha))
      throw new FormatError(
        `${name}: adapter.lora.alpha is ${alpha}, but must be a finite number; convert the adapter again.`,
      );
    const paths = pairs.map(({ path }) => path);
    const naming = namingOf(contents, paths);
    const files = [...contents.files];
    const modules = new Map<string, AdapterModule>();
    let experts = 0;
    let whole = naming.family?.experts?.whole === true;
    for (const { path, a, b } of pairs) {
      const scaleOf = (rank: number): number => (alpha === 0 ? 1 : alpha / rank);
      if (isGgufStack(path)) {
        const found = expertModules(name, path, a, b, expertOfGguf(naming.family, path));
        experts = Math.max(experts, found.length);
        whole ||= naming.family?.experts !== undefined && path.endsWith("_gate_up_exps");
        for (const module of found) addModule(name, modules, { ...module, scale: scaleOf(module.rank) });
        continue;
      }
      const module = moduleOf(name, naming.nameOf(path), path, a, b);
      const order = naming.rowsOf(path, module.out);
      const ordered = order === null ? module.b : await reordered(files, module.b, module.rank, order);
      addModule(name, modules, { ...module, b: ordered, scale: scaleOf(module.rank) });
    }
    if (naming.config !== null) refuseMisfit(name, modules.values(), contents.baseConfig!.where, naming.config);
    const { family } = naming;
    const gateUpInTurn = family === null ? null : family.modelTypes.some(areInTurn);
    const named = whole ? inParameters(name, modules.values(), experts, gateUpInTurn === true) : modules;
    const invocationTokens = invocationTokensOf(contents);
    const variants = invocationTokens.length > 0 ? [activatedVariant(INVOCATION_KEY)] : [];
    const baseModel = metadata.get("general.base_model.0.name") ?? null;
    const notices = family === null ? [] : misappliedNotices(name, family, paths);
    // The rest tells how to read the file.
    const told = new Map([...metadata].filter(([key]) => key === RECIPE_KEY));
    return plainAdapter({
      name,
      files,
      metadata: told,
      notices,
      modules: named,
      baseModel,
      gateUpInTurn,
      variants,
      invocationTokens,
    });
  },
};

/** What to know of a file in which llama.cpp itself would not apply everything as it was trained. */
function misappliedNotices(name: string, family: GgufFamily, paths: readonly string[]): Notice[] {
  const [first, ...others] = paths.flatMap((path) => misapplied(family, path) ?? []);
  if (first === undefined) return [];
  const more = others.length === 0 ? "" : ` (and ${others.length} more such tensors)`;
  const fix = "fuse the adapter that it was converted from into its base with lora-lego fuse, and convert that model";
  return [{ id: "misapplied", text: `${name}: llama.cpp ${first}${more}; ${fix}.` }];
}

/** The tokens after which an activated LoRA acts; none for other adapters. @throws FormatError for what is no list of tokens */
function invocationTokensOf({ name, metadata }: AdapterContents): readonly number[] {
  const text = metadata.get(INVOCATION_KEY) ?? "[]";
  const tokens = text === "[]" ? [] : text.slice(1, -1).split(",").map(Number);
  if (/^\[[\d,]*\]$/.test(text) && tokens.every((token) => token < 2 ** 32)) return tokens;
  throw new FormatError(
    `${name}: ${INVOCATION_KEY} is ${text}, but must be an array of token ids; convert the adapter again.`,
  );
}

function factorKey(key: string): FactorKey | null {
  const match = FACTOR.exec(key);
  return match === null ? null : { path: match[1]!, half: match[2] as "a" | "b" };
}

function moduleOf(name: string, module: string, path: string, a: TensorRef, b: TensorRef): StridedModule {
  if (path !== TOKEN_EMBEDDING) return moduleOfFactors(name, module, "linear", a, b);
  const found = moduleOfFactors(name, module, "embedding", { ...a, shape: a.shape.toReversed() }, b);
  return { ...found, a: denseFactor(found.a, "columns", found.rank) };
}

/** The names of a file's modules, and the order of B's rows where it must be undone. */
interface Naming {
  /** The base's config, where the user gave it. */
  readonly config: ModelConfig | null;
  /** null where modules keep the file's names. */
  readonly family: GgufFamily | null;
  nameOf(path: string): string;
  rowsOf(path: string, rows: number): Int32Array | null;
}

function namingOf({ name, metadata, baseConfig }: AdapterContents, paths: readonly string[]): Naming {
  const architecture = metadata.get("general.architecture") ?? "";
  const family = GGUF_FAMILIES.find((known) => known.architecture === architecture);
  const config = baseConfig === null ? null : parseModelConfig(baseConfig.text, baseConfig.where);
  if (config !== null && ggufFamilyOf(config) !== family) {
    throw new RefusedError(
      `${name} is an adapter for ${architecture || "an unnamed architecture"}, but the base config says model_type ${config.modelType}; pass the config.json of its own base model.`,
    );
  }
  const asStored: Naming = { config, family: null, nameOf: (path) => path, rowsOf: () => null };
  if (family === undefined) return asStored;
  if (config === null && paths.some((path) => reorderedBy(family, path) !== null)) return asStored;
  return {
    config,
    family,
    nameOf: (path) => moduleOfGguf(family, path) ?? path,
    rowsOf(path, rows) {
      const order = config === null ? null : headOrder(family, config, path, rows, `${name}: ${path}`);
      return order === null ? null : inverseOf(order);
    },
  };
}

/** B with its rows reordered, held in memory. */
async function reordered(
  files: AdapterContents["files"][number][],
  b: StridedFactor,
  rank: number,
  order: Int32Array,
): Promise<StridedFactor> {
  const stored = new Uint8Array(b.end - b.begin);
  await files[b.file]!.read(b.begin, stored);
  const row = rank * bytesOf(b.dtype);
  const bytes = new Uint8Array(stored.length);
  for (const [i, from] of order.entries()) bytes.set(stored.subarray(from * row, (from + 1) * row), i * row);
  return { ...b, ...heldTensor(files, b, bytes) };
}

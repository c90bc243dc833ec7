import { expect } from "vitest";
import type { Adapter } from "../../src/adapter/adapter.ts";
import { openAdapter } from "../../src/adapter/open.ts";
import type { Family, Weight } from "../../src/families/family.ts";
import { encodeSafetensors, type TensorData } from "../../src/formats/safetensors/write.ts";
import { mergeInMemory } from "../../src/merge/merge.ts";
import { memoryFolder } from "./memory-folder.ts";
import { decodeAdapter, encodeTensor, product, relativeError } from "./pico.ts";

/** A model's width; every ratio of a table gives whole numbers with it. */
const WIDTH = 6;
export const RANK = 2;

/** A weight with its numbers filled in. */
interface Native {
  readonly name: string;
  readonly weight: Weight;
  readonly numbers: readonly string[];
  readonly in: number;
  readonly out: number;
}

const fill = (pattern: string, numbers: readonly string[]): string => {
  let next = 0;
  return pattern.replaceAll("#", () => numbers[next++]!);
};

/** Every weight of a family in blocks 0 and 1. */
function weightsOf({ weights, traits, rows }: Family): Native[] {
  return weights.flatMap((weight) => {
    const count = weight.path.split("#").length - 1;
    return (count === 0 ? [[]] : ["0", "1"].map((block) => Array<string>(count).fill(block))).map((numbers) => {
      const shares = weight.parts.map(({ name }) => rows[name]!);
      const parts = shares.reduce((sum, share) => sum + share, 0) / (shares[0] ?? 1);
      const ratio = traits.ratios?.[weight.path] ?? (parts > 0 ? parts : weight.swapped !== null ? 2 : 1);
      const inputs = ratio < 1 ? Math.round(WIDTH / ratio) : WIDTH;
      // The last block's modulation is short, the others are longer.
      const long = weight.swapped === "short" && numbers[0] === "0";
      const out = long ? 6 * WIDTH : ratio < 1 ? WIDTH : Math.round(ratio * WIDTH);
      return { name: fill(weight.path, numbers), weight, numbers, in: inputs, out };
    });
  });
}

function generator(seed: number): () => number {
  let state = seed * 7919 + 1;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return ((state >>> 16) % 129) / 64 - 1;
  };
}

/** How a file spells names. */
interface Style {
  readonly title: string;
  readonly beginning: string;
  readonly paths: "native" | "diffusers" | "numbered parts";
  readonly underscored?: boolean;
  readonly endings: readonly [down: string, up: string];
  readonly alpha?: boolean;
}

const A_B = [".lora_A.weight", ".lora_B.weight"] as const;
const DEFAULT = [".lora_A.default.weight", ".lora_B.default.weight"] as const;
const DOWN_UP = [".lora_down.weight", ".lora_up.weight"] as const;
const STYLES: readonly Style[] = [
  {
    title: "kohya, musubi",
    beginning: "lora_unet_",
    paths: "native",
    underscored: true,
    endings: DOWN_UP,
    alpha: true,
  },
  {
    title: "kohya, diffusers' names",
    beginning: "lora_unet_",
    paths: "diffusers",
    underscored: true,
    endings: DOWN_UP,
    alpha: true,
  },
  { title: "Wan-Fun", beginning: "lora_unet__", paths: "native", underscored: true, endings: DOWN_UP, alpha: true },
  { title: "ai-toolkit, diffusion-pipe", beginning: "diffusion_model.", paths: "native", endings: A_B },
  { title: "lightx2v", beginning: "diffusion_model.", paths: "native", endings: DOWN_UP, alpha: true },
  { title: "original names under transformer.", beginning: "transformer.", paths: "native", endings: A_B },
  { title: "BFL, bare", beginning: "", paths: "native", endings: A_B },
  { title: "DiffSynth", beginning: "", paths: "native", endings: DEFAULT },
  { title: "OMI", beginning: "diffusion_model.", paths: "numbered parts", endings: DOWN_UP, alpha: true },
  { title: "diffusers", beginning: "transformer.", paths: "diffusers", endings: A_B },
  { title: "diffusers' names under diffusion_model.", beginning: "diffusion_model.", paths: "diffusers", endings: A_B },
  { title: "lightning, bare", beginning: "", paths: "diffusers", endings: DOWN_UP, alpha: true },
  {
    title: "OneTrainer",
    beginning: "lora_transformer_",
    paths: "diffusers",
    underscored: true,
    endings: DOWN_UP,
    alpha: true,
  },
  { title: "LyCORIS", beginning: "lycoris_", paths: "diffusers", underscored: true, endings: DOWN_UP, alpha: true },
];

/** diffusers' own beginning of the names of a UNet. */
const UNET: Style = { title: "diffusers, unet.", beginning: "unet.", paths: "diffusers", endings: A_B };
const stylesOf = ({ id }: Family): readonly Style[] => (id === "unet" ? [...STYLES, UNET] : STYLES);

type Deltas = ReadonlyMap<string, Float64Array>;

/** A file in a style, and the delta of each weight. */
function fileOf(family: Family, style: Style, seed: number): { bytes: Uint8Array; deltas: Map<string, Float64Array> } {
  const next = generator(seed);
  const tensors: TensorData[] = [];
  const deltas = new Map<string, Float64Array>();
  const factors = (path: string, inputs: number, out: number): Float64Array => {
    const stem = style.beginning + (style.underscored ? path.replaceAll(".", "_") : path);
    const matrix = (rows: number, columns: number) =>
      Array.from({ length: rows }, () => Array.from({ length: columns }, next));
    const [a, b] = [matrix(RANK, inputs), matrix(out, RANK)];
    tensors.push(encodeTensor(stem + style.endings[0], a), encodeTensor(stem + style.endings[1], b));
    if (style.alpha) tensors.push(encodeTensor(`${stem}.alpha`, 2 * RANK));
    const whole = product(Float64Array.from(b.flat()), Float64Array.from(a.flat()), out, RANK, inputs);
    return style.alpha ? whole.map((value) => 2 * value) : whole;
  };
  for (const { name, weight, numbers, in: inputs, out } of weightsOf(family)) {
    const { diffusers, parts, swapped } = weight;
    if (style.paths === "native" || parts.length === 0) {
      const path = style.paths === "diffusers" ? diffusers : weight.path;
      if (path === null) continue;
      const delta = factors(fill(path, numbers), inputs, out);
      const swap = style.paths === "diffusers" && (swapped === "always" || (swapped === "short" && out === 2 * inputs));
      const half = delta.length / 2;
      deltas.set(name, swap ? Float64Array.from([...delta.subarray(half), ...delta.subarray(0, half)]) : delta);
      continue;
    }
    const total = parts.reduce((sum, part) => sum + family.rows[part.name]!, 0);
    const stacked = parts.flatMap((part, i) => {
      const path = style.paths === "diffusers" ? part.diffusers : `${weight.path}.${i}`;
      return [...factors(fill(path, numbers), inputs, (out * family.rows[part.name]!) / total)];
    });
    deltas.set(name, Float64Array.from(stacked));
  }
  return { bytes: encodeSafetensors(tensors), deltas };
}

/** The attention of Flux.1's blocks as XLabs' code names it, which is in no table, and the delta of each weight. */
function xlabs(family: Family, seed: number): ReturnType<typeof fileOf> {
  const next = generator(seed);
  const tensors: TensorData[] = [];
  const deltas = new Map<string, Float64Array>();
  const names = {
    "double_blocks.#.img_attn.qkv": "double_blocks.#.processor.qkv_lora1",
    "double_blocks.#.txt_attn.qkv": "double_blocks.#.processor.qkv_lora2",
    "double_blocks.#.img_attn.proj": "double_blocks.#.processor.proj_lora1",
    "double_blocks.#.txt_attn.proj": "double_blocks.#.processor.proj_lora2",
    "single_blocks.#.linear1": "single_blocks.#.processor.qkv_lora",
    "single_blocks.#.linear2": "single_blocks.#.processor.proj_lora",
  };
  for (const { name, weight, numbers, in: inputs, out } of weightsOf(family)) {
    const path = names[weight.path as keyof typeof names];
    if (path === undefined) continue;
    // Of single blocks' first weight it has the queries, keys and values alone.
    const rows = path.includes("qkv") ? 3 * WIDTH : out;
    const matrix = (count: number, size: number) =>
      Array.from({ length: count }, () => Array.from({ length: size }, next));
    const [a, b] = [matrix(RANK, inputs), matrix(rows, RANK)];
    tensors.push(
      encodeTensor(`${fill(path, numbers)}.down.weight`, a),
      encodeTensor(`${fill(path, numbers)}.up.weight`, b),
    );
    const own = product(Float64Array.from(b.flat()), Float64Array.from(a.flat()), rows, RANK, inputs);
    const delta = new Float64Array(inputs * out);
    delta.set(own);
    deltas.set(name, delta);
  }
  return { bytes: encodeSafetensors(tensors), deltas };
}

/** An adapter of one file. */
export const openBytes = (name: string, bytes: Uint8Array): Promise<Adapter> =>
  openAdapter(memoryFolder(name, { "x.safetensors": bytes }));

/** The delta of each weight, parts stacked in the order of rows, from deltas by module. */
function byWeight(family: Family, component: string, modules: Deltas): Map<string, Float64Array> {
  const found = new Map<string, Float64Array>();
  for (const { name, weight } of weightsOf(family)) {
    const whole = modules.get(component + name);
    const parts = weight.parts.flatMap((part) => [...(modules.get(`${component}${name}.${part.name}`) ?? [])]);
    if (whole !== undefined) found.set(name, whole);
    else if (parts.length > 0) found.set(name, Float64Array.from(parts));
  }
  return found;
}

/** What adapters of a family merge to by cat: the delta of each weight. */
export async function mergedDeltas(family: Family, adapters: readonly Adapter[]): Promise<Map<string, Float64Array>> {
  const { config, weights } = await mergeInMemory(adapters, { method: "cat", dtype: "f32" });
  const { modules } = decodeAdapter(JSON.stringify(config), weights);
  const deltas = new Map(Array.from(modules, ([name, { delta }]) => [name, delta]));
  const found = byWeight(family, `${family.components[0]}.`, deltas);
  expect(found.size).toBeGreaterThan(0);
  return found;
}

/** Expect the same deltas, within 1e-6 of their norms. */
export function expectDeltas(got: Deltas, expected: Deltas): void {
  expect([...got.keys()].sort()).toEqual([...expected.keys()].sort());
  for (const [name, delta] of expected) expect(relativeError(got.get(name)!, delta), name).toBeLessThan(1e-6);
}

/** The deltas of two files together. */
export function sum(one: Deltas, other: Deltas): Map<string, Float64Array> {
  const names = new Set([...one.keys(), ...other.keys()]);
  return new Map(
    Array.from(names, (name) => {
      const [a, b] = [one.get(name), other.get(name)];
      return [name, a === undefined ? b! : a.map((value, i) => value + (b?.[i] ?? 0))];
    }),
  );
}

/** A file of a family in one dialect, and the delta of each weight. */
export interface FamilyFile {
  readonly title: string;
  readonly bytes: Uint8Array;
  readonly deltas: Deltas;
}

/** A file in each dialect that names all weights of a family, or some of them; values are seeded. */
export function filesOf(family: Family): FamilyFile[] {
  const files = stylesOf(family).map((style, i) => ({ ...fileOf(family, style, i + 1), title: style.title }));
  return family.id === "flux1" ? [...files, { ...xlabs(family, files.length + 1), title: "XLabs' processors" }] : files;
}

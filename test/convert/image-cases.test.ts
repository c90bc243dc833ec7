import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import type { Adapter } from "../../src/adapter/adapter.ts";
import { consumerById } from "../../src/adapter/consumers.ts";
import { openAdapter } from "../../src/adapter/open.ts";
import { checkOpened } from "../../src/analysis/check.ts";
import { inspectOpened } from "../../src/analysis/inspect.ts";
import { writeConversion } from "../../src/convert/write-conversion.ts";
import { memorySink, memorySource } from "../../src/core/bytes.ts";
import { readHeader } from "../../src/formats/safetensors/header.ts";
import { wasmKernels } from "../../src/kernels/wasm.ts";
import { mergeInMemory } from "../../src/merge/merge.ts";
import { memoryFolder } from "../support/memory-folder.ts";
import { decodeAdapter, relativeError } from "../support/pico.ts";
import { loadedWriter } from "../support/writers.ts";

const CASES = fileURLToPath(new URL("../../../shared/cases/image", import.meta.url));
const absent = !existsSync(CASES);

/** What becomes of a file's names: they stay as the file has them, they become its family's, or in words why nothing does. */
type Fate = "kept" | FamilyId | RegExp;
type FamilyId = keyof typeof SHAPES;

interface Right {
  /** How modules are called here; why where nothing is read. */
  readonly read: Fate;
  readonly kohya?: Fate;
  readonly diffusers?: Fate;
  /** Why it does not merge with itself; it does where this is absent. */
  readonly merge?: RegExp;
}

/** How names of each family begin after the component: in its own code and here, and in diffusers. */
const SHAPES = {
  flux1: {
    own: /^(double_blocks|single_blocks|final_layer|img_in)/,
    diffusers: /^((single_)?transformer_blocks|norm_out\.linear|proj_out|x_embedder)/,
  },
  chroma: {
    own: /^(double_blocks|single_blocks|distilled_guidance_layer)/,
    diffusers: /^((single_)?transformer_blocks|distilled_guidance_layer)/,
  },
  flux2: { own: /^(double_blocks|single_blocks)/, diffusers: /^(single_)?transformer_blocks/ },
  "hunyuan-video": { own: /^(double_blocks|single_blocks)/, diffusers: /^(single_)?transformer_blocks/ },
  "qwen-image": { own: /^transformer_blocks/, diffusers: /^transformer_blocks/ },
  wan: {
    own: /^(blocks[._]\d+[._](self_attn|cross_attn|ffn[._][02]$)|patch_embedding)/,
    diffusers: /^(blocks\.\d+\.(attn[12]|ffn\.net)|patch_embedding)/,
  },
  "z-image": {
    own: /^(layers|noise_refiner|context_refiner)[._]\d+[._](attention[._](qkv|out)|feed_forward[._]w|adaLN_modulation[._]0)/,
    diffusers: /^(layers|noise_refiner|context_refiner)\.\d+\.(attention\.to_|feed_forward\.w|adaLN_modulation\.0)/,
  },
  lumina2: {
    own: /^layers[._]\d+[._](attention[._](qkv|out)|feed_forward[._]w1)/,
    diffusers: /^layers\.\d+\.(attn\.to_|feed_forward\.linear_1)/,
  },
  unet: {
    own: /^(down_blocks|mid_block|up_blocks|conv_in|conv_out|time_embedding|add_embedding)/,
    diffusers: /^(down_blocks|mid_block|up_blocks|conv_in|conv_out|time_embedding|add_embedding)/,
  },
} as const;

const of = (family: FamilyId): Right => ({ read: family, kohya: family, diffusers: family });
const GUESS = /would be a guess/;
/** Read in kohya's names, which stay and are written nowhere else. */
const OWN_KOHYA: Right = { read: "kept", kohya: "kept", diffusers: GUESS };
const OWN_DIFFUSERS: Right = { read: "kept", kohya: GUESS, diffusers: "kept" };
const FLUX = of("flux1");
const UNET = of("unet");
const EXTRAS = { diffusers: /--extras drop/, merge: /--extras drop, first or average/ };
const dora = { kohya: /DoRA/, diffusers: /DoRA/, merge: /DoRA/ };
const other = (words: RegExp): Right => ({ read: "kept", kohya: words, diffusers: words, merge: words });

const RIGHT: Readonly<Record<string, Right>> = {
  "alpha-0": FLUX,
  "alpha-bf16": FLUX,
  "alpha-huge": FLUX,
  "alpha-inf": { read: /alpha holds Infinity/ },
  "alpha-int64": FLUX,
  "alpha-missing": FLUX,
  "alpha-nan": { read: /alpha holds NaN/ },
  "alpha-neg": FLUX,
  "alpha-shape1": FLUX,
  "bundle-emb": { ...FLUX, ...EXTRAS },
  "chroma-kohya": of("chroma"),
  conv3d: of("wan"),
  "dora-diffusers": { read: "kept", ...dora },
  "dora-kohya": { read: "unet", ...dora },
  "flux-aitoolkit": FLUX,
  "flux-bfl-bare": FLUX,
  "flux-bfl-control": { ...other(/bias next to B/), read: "flux1", merge: /query_norm\.scale.*--extras drop/ },
  "flux-final-adaln": FLUX,
  "flux-kohya-a": FLUX,
  "flux-kohya-b": FLUX,
  "flux-kohya-bf16": FLUX,
  "flux-kohya-t5": { ...FLUX, diffusers: /T5 text encoder/ },
  "flux-ranks-differ": FLUX,
  "flux-xlabs": FLUX,
  "flux2-aitoolkit": of("flux2"),
  fp8: of("wan"),
  "hunyuanvideo-diffusion_model": of("hunyuan-video"),
  "hunyuanvideo-transformer": of("hunyuan-video"),
  loha: UNET,
  lokr: UNET,
  "lora-mid": UNET,
  "ltx-musubi": OWN_KOHYA,
  "lumina2-diffusers": of("lumina2"),
  norms: { ...UNET, ...EXTRAS },
  "qwen-aitoolkit": of("qwen-image"),
  "qwen-bare": of("qwen-image"),
  "qwen-diffsynth": of("qwen-image"),
  "qwen-diffusers": of("qwen-image"),
  "qwen-lycoris": of("qwen-image"),
  "qwen-musubi": of("qwen-image"),
  "sd3-diffusers": OWN_DIFFUSERS,
  "sdxl-diffusers": UNET,
  "sdxl-diffusers-meta": UNET,
  "sdxl-kohya": UNET,
  "sdxl-kohya-b": UNET,
  "te-and-te1": { read: /both belong to the module/ },
  "wan-bare": of("wan"),
  "wan-diffsynth": of("wan"),
  "wan-diffusers": of("wan"),
  "wan-i2v-pipe": of("wan"),
  "wan-lightx2v": of("wan"),
  "wan-lightx2v-diff": { ...of("wan"), ...EXTRAS },
  "wan-musubi": of("wan"),
  "wan-pipe": of("wan"),
  "zimage-aitoolkit": of("z-image"),
  "zimage-comfy": of("z-image"),
  "zimage-diffusers": of("z-image"),
};

const bytesOf = (name: string): Uint8Array => new Uint8Array(readFileSync(join(CASES, name, "lora.safetensors")));
const open = (name: string, bytes = bytesOf(name)): Promise<Adapter> =>
  openAdapter(memoryFolder(name, { "lora.safetensors": bytes }));

/** What stands before the endings of factors. */
async function stemsOf(bytes: Uint8Array): Promise<string[]> {
  const { tensors } = await readHeader(memorySource("x", bytes));
  const stems = [...tensors.keys()].map((key) => /^(.*)\.lora_(?:A|B|down|up)(?:\.default)?\.weight$/.exec(key)?.[1]);
  return [...new Set(stems.filter((stem) => stem !== undefined))].sort();
}

async function deltasOf(adapters: readonly Adapter[], allowPartial = false): Promise<Map<string, Float64Array>> {
  const { config, weights } = await mergeInMemory(adapters, { method: "cat", dtype: "f32", allowPartial });
  const { modules } = decodeAdapter(JSON.stringify(config), weights);
  return new Map(Array.from(modules, ([name, { delta }]) => [name, delta]));
}

/** What names begin with here and in the two dialects; text encoders have the same paths everywhere. */
const BEGINNINGS = {
  module: /^(?:unet|diffusion_model|transformer_2)\.|^text_encoder(?:_[23])?\./,
  kohya: /^lora_unet_|^lora_te[123]?_/,
  diffusers: /^(?:unet|transformer)\.|^text_encoder(?:_2)?\./,
} as const;

function expectFate(names: readonly string[], fate: Fate, own: readonly string[], where: keyof typeof BEGINNINGS) {
  if (fate === "kept") expect([...names].sort()).toEqual(own);
  if (fate === "kept" || fate instanceof RegExp) return;
  for (const name of names) {
    const beginning = BEGINNINGS[where].exec(name)?.[0];
    expect(beginning, name).toBeDefined();
    const path = name.slice(beginning!.length);
    if (/te[123]?_$|text/.test(beginning!)) expect(path).toMatch(/^text_model|^encoder/);
    else expect(path).toMatch(SHAPES[fate][where === "diffusers" ? "diffusers" : "own"]);
  }
}

describe.skipIf(absent)(`files of image models${absent ? ` (skipped: there is no ${CASES})` : ""}`, () => {
  const cases = Object.entries(RIGHT);

  it.each(cases)("%s: read, described, merged with itself and cut as is right", async (name, { read, merge }) => {
    if (read instanceof RegExp) {
      await expect(open(name)).rejects.toThrow(read);
      return;
    }
    const adapter = await open(name);
    const stems = await stemsOf(bytesOf(name));
    if (merge === undefined || adapter.modules.size > 0) {
      expectFate([...adapter.modules.keys()], read, stems, "module");
    }
    await inspectOpened(wasmKernels(), adapter);
    if (merge !== undefined) {
      await expect(mergeInMemory([adapter, adapter], { method: "cat" })).rejects.toThrow(merge);
      return;
    }
    const twice = await deltasOf([adapter, adapter]);
    expect([...twice.keys()].sort()).toEqual([...adapter.modules.keys()].sort());
    const { config, weights } = await mergeInMemory([adapter], { method: "svd", target: { kind: "rank", rank: 1 } });
    const cut = decodeAdapter(JSON.stringify(config), weights);
    expect([...cut.modules.keys()].sort()).toEqual([...adapter.modules.keys()].sort());
  });

  it.each(
    cases.flatMap(([name, right]) =>
      (["kohya", "diffusers"] as const).flatMap((to) => {
        const fate = right[to];
        return fate === undefined ? [] : [{ name, to, fate }];
      }),
    ),
  )("$name to $to: whole and with the same deltas, or refused in words", async ({ name, to, fate }) => {
    const adapter = await open(name);
    if (fate instanceof RegExp) {
      expect(() => loadedWriter(to).convert(adapter, null)).toThrow(fate);
      return;
    }
    const conversion = loadedWriter(to).convert(adapter, null);
    const sink = memorySink(conversion.layout.size);
    await writeConversion(adapter, conversion, sink);
    expectFate(await stemsOf(sink.bytes), fate, await stemsOf(bytesOf(name)), to);
    if (to === "kohya") {
      const alphas = new Set(
        conversion.tensors.flatMap(({ content }) => (content.kind === "bytes" ? [content.bytes.join()] : [])),
      );
      expect(alphas.size).toBe(1);
    }
    const [before, after] = [await deltasOf([adapter]), await deltasOf([await open(name, sink.bytes)])];
    const sum = (deltas: Map<string, Float64Array>): Float64Array =>
      Float64Array.from([...deltas.values()].flatMap((delta) => [...delta]).sort((one, two) => one - two));
    // Names and their rows may move, and rows of zeros may come where a program has a whole weight; the values must not change.
    const values = (deltas: Map<string, Float64Array>) => sum(deltas).filter((value) => value !== 0);
    expect(values(after).length).toBe(values(before).length);
    if (values(before).length > 0) expect(relativeError(values(after), values(before))).toBeLessThan(1e-6);
  });

  it.each(cases)("%s: no program of language models is written for", async (name, { read }) => {
    if (read instanceof RegExp) return;
    const adapter = await open(name);
    for (const to of ["mlx", "gguf"]) expect(() => loadedWriter(to).convert(adapter, null)).toThrow(name);
    if (adapter.variants.length > 0) return;
    for (const id of ["vllm", "llamacpp", "mlx"] as const) {
      const said = checkOpened(adapter, consumerById(id));
      expect(JSON.stringify(said), id).toContain('"fails"');
    }
  });

  const FAMILIES = ["flux", "flux2", "hunyuanvideo", "qwen", "sdxl", "wan", "zimage"];
  const plain = cases.filter(([, { read, merge }]) => !(read instanceof RegExp) && merge === undefined);
  const pairs = FAMILIES.flatMap((family) => {
    const files = plain.map(([name]) => name).filter((name) => name.replace(/-.*/, "") === family);
    return files.flatMap((one, i) => files.slice(i + 1).map((two) => ({ one, two })));
  });

  it.each(pairs)("$one and $two merge to the sum of both, weight by weight", async ({ one, two }) => {
    const adapters = [await open(one), await open(two)];
    // Some files have block 0 alone.
    const merged = await deltasOf(adapters, true);
    const [a, b] = [await deltasOf([adapters[0]!]), await deltasOf([adapters[1]!])];
    for (const [module, delta] of merged) {
      const [first, second] = [rowsOf(a, module, delta.length), rowsOf(b, module, delta.length)];
      expect(
        relativeError(
          delta,
          first.map((value, i) => value + second[i]!),
        ),
        module,
      ).toBeLessThan(1e-6);
    }
    for (const deltas of [a, b]) {
      for (const module of deltas.keys()) {
        expect([module, module.replace(/\.(q|k|v|mlp)$/, "")].some((name) => merged.has(name))).toBe(true);
      }
    }
  });

  it("says of parts that share no A how the rank adds up, and of those that do that it does not", async () => {
    const [kohya, split] = [await open("flux-kohya-a"), await open("flux-aitoolkit")];
    const ranks = async (adapters: readonly Adapter[]) => {
      const { config, weights } = await mergeInMemory(adapters, { method: "cat", rankLayout: "pattern" });
      return decodeAdapter(JSON.stringify(config), weights).modules.get("diffusion_model.double_blocks.0.img_attn.qkv")!
        .rank;
    };
    expect(await ranks([kohya, split])).toBe(4 + 3 * 8);
    const conversion = loadedWriter("diffusers").convert(kohya, null);
    const sink = memorySink(conversion.layout.size);
    await writeConversion(kohya, conversion, sink);
    expect(await ranks([kohya, await open("there", sink.bytes)])).toBe(4 + 4);
  });
});

/** The rows of a weight in an adapter: whole, or its parts one after the other; zeros where it has none. */
function rowsOf(deltas: ReadonlyMap<string, Float64Array>, module: string, length: number): Float64Array {
  const whole = deltas.get(module);
  if (whole !== undefined) return whole;
  const parts = ["q", "k", "v", "mlp"].flatMap((part) => [...(deltas.get(`${module}.${part}`) ?? [])]);
  return parts.length === 0 ? new Float64Array(length) : Float64Array.from(parts);
}

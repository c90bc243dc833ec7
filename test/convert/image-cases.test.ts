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

/** What becomes of a file's names: they stay as the file has them, they become a family's, or in words why nothing does. */
type Fate = "kept" | "flux" | "unet" | RegExp;

interface Right {
  /** How modules are called here; why where nothing is read. */
  readonly read: Fate;
  readonly kohya?: Fate;
  readonly diffusers?: Fate;
  /** Why it does not merge with itself; it does where this is absent. */
  readonly merge?: RegExp;
}

const GUESS = /would be a guess/;
/** Read in kohya's names, which stay and are written nowhere else. */
const OWN_KOHYA: Right = { read: "kept", kohya: "kept", diffusers: GUESS };
const OWN_DIFFUSERS: Right = { read: "kept", kohya: GUESS, diffusers: "kept" };
const FLUX: Right = { read: "flux", kohya: "flux", diffusers: "flux" };
const UNET: Right = { read: "unet", kohya: "unet", diffusers: "unet" };
const EXTRAS = { kohya: /--extras drop/, diffusers: /--extras drop/, merge: /--extras drop, first or average/ };
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
  "bundle-emb": { read: "flux", ...EXTRAS },
  "chroma-kohya": { read: "flux", kohya: "flux", diffusers: /is a module of Chroma/ },
  conv3d: OWN_DIFFUSERS,
  "dora-diffusers": { read: "kept", ...dora },
  "dora-kohya": { read: "unet", ...dora },
  "flux-aitoolkit": OWN_DIFFUSERS,
  "flux-bfl-bare": FLUX,
  "flux-bfl-control": { ...other(/bias next to B/), read: "flux" },
  "flux-final-adaln": FLUX,
  "flux-kohya-a": FLUX,
  "flux-kohya-b": FLUX,
  "flux-kohya-bf16": FLUX,
  "flux-kohya-t5": { read: "flux", kohya: "flux", diffusers: /T5 text encoder/ },
  "flux-ranks-differ": FLUX,
  "flux-xlabs": other(/XLabs/),
  // Its names in Flux's own code are what diffusers takes too.
  "flux2-aitoolkit": { read: "kept", kohya: "flux", diffusers: "kept" },
  fp8: OWN_DIFFUSERS,
  "hunyuanvideo-diffusion_model": OWN_DIFFUSERS,
  "hunyuanvideo-transformer": OWN_DIFFUSERS,
  loha: other(/LyCORIS/),
  lokr: other(/LyCORIS/),
  "lora-mid": other(/into three/),
  "ltx-musubi": OWN_KOHYA,
  "lumina2-diffusers": OWN_DIFFUSERS,
  norms: { read: "unet", ...EXTRAS },
  "qwen-aitoolkit": OWN_DIFFUSERS,
  "qwen-bare": OWN_DIFFUSERS,
  "qwen-diffsynth": OWN_DIFFUSERS,
  "qwen-diffusers": OWN_DIFFUSERS,
  "qwen-lycoris": OWN_KOHYA,
  "qwen-musubi": OWN_KOHYA,
  "sd3-diffusers": OWN_DIFFUSERS,
  "sdxl-diffusers": UNET,
  "sdxl-diffusers-meta": UNET,
  "sdxl-kohya": UNET,
  "sdxl-kohya-b": UNET,
  "te-and-te1": { read: /both belong to the module/ },
  "wan-bare": OWN_DIFFUSERS,
  "wan-diffsynth": OWN_DIFFUSERS,
  "wan-diffusers": OWN_DIFFUSERS,
  "wan-i2v-pipe": OWN_DIFFUSERS,
  // Names with dots under kohya's endings: both dialects can say them.
  "wan-lightx2v": { read: "kept", kohya: "kept", diffusers: "kept" },
  "wan-lightx2v-diff": { read: "kept", ...EXTRAS },
  "wan-musubi": OWN_KOHYA,
  "wan-pipe": OWN_DIFFUSERS,
  "zimage-aitoolkit": OWN_DIFFUSERS,
  "zimage-comfy": OWN_DIFFUSERS,
  "zimage-diffusers": OWN_DIFFUSERS,
};

/** Names of each family: as modules are called here, in kohya's keys, and in diffusers. */
const SHAPES: Readonly<Record<"flux" | "unet", { module: RegExp; kohya: RegExp; diffusers: RegExp }>> = {
  flux: {
    module:
      /^diffusion_model\.(double_blocks|single_blocks|final_layer|img_in|distilled_guidance_layer)|^text_encoder(_3)?\./,
    kohya:
      /^lora_unet_(double_blocks|single_blocks|final_layer|img_in|distilled_guidance_layer)_?[a-z0-9A-Z_]*$|^lora_te[13]_[a-zA-Z0-9_]+$/,
    diffusers: /^transformer\.((single_)?transformer_blocks\.\d+|norm_out\.linear|proj_out|x_embedder)|^text_encoder\./,
  },
  unet: {
    module:
      /^unet\.(down_blocks|mid_block|up_blocks|conv_in|conv_out|time_embedding|add_embedding)|^text_encoder(_2)?\./,
    kohya: /^lora_unet_(down_blocks|mid_block|up_blocks|conv_in|conv_out|time_embedding|add_embedding)|^lora_te[12]_/,
    diffusers: /^unet\.(down_blocks|mid_block|up_blocks|conv_in|conv_out|time_embedding|add_embedding)|^text_encoder/,
  },
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

async function deltasOf(adapters: readonly Adapter[]): Promise<Map<string, Float64Array>> {
  const { config, weights } = await mergeInMemory(adapters, { method: "cat", dtype: "f32" });
  const { modules } = decodeAdapter(JSON.stringify(config), weights);
  return new Map(Array.from(modules, ([name, { delta }]) => [name, delta]));
}

function expectFate(
  names: readonly string[],
  fate: Fate,
  own: readonly string[],
  where: "module" | "kohya" | "diffusers",
) {
  if (fate === "kept") expect([...names].sort()).toEqual(own);
  else if (fate === "flux" || fate === "unet") for (const name of names) expect(name).toMatch(SHAPES[fate][where]);
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
    // Names and their rows may move; the values must not.
    expect(relativeError(sum(after), sum(before))).toBeLessThan(1e-6);
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
  /** Which of a family's files merge: those that name modules in one way. */
  const TOGETHER: readonly (readonly string[])[] = [
    ["flux-kohya-a", "flux-kohya-b", "flux-kohya-bf16", "flux-kohya-t5", "flux-ranks-differ"],
    ["flux-bfl-bare", "flux-final-adaln"],
    ["qwen-bare", "qwen-diffsynth"],
    ["sdxl-diffusers", "sdxl-diffusers-meta", "sdxl-kohya", "sdxl-kohya-b"],
    ["wan-bare", "wan-diffsynth"],
    ["wan-pipe", "wan-lightx2v", "wan-i2v-pipe"],
  ];
  const plain = cases.filter(([, { read, merge }]) => !(read instanceof RegExp) && merge === undefined);
  const pairs = FAMILIES.flatMap((family) => {
    const files = plain.map(([name]) => name).filter((name) => name.replace(/-.*/, "") === family);
    return files.flatMap((one, i) => files.slice(i + 1).map((two) => ({ one, two })));
  });

  it.each(pairs)(
    "$one and $two: merged, or refused without a hint that would break the result",
    async ({ one, two }) => {
      const adapters = [await open(one), await open(two)];
      if (TOGETHER.some((group) => group.includes(one) && group.includes(two))) {
        const [a, b] = [await deltasOf([adapters[0]!]), await deltasOf([adapters[1]!])];
        for (const [module, delta] of await deltasOf(adapters)) {
          const sum = delta.map((_, i) => (a.get(module)?.[i] ?? 0) + (b.get(module)?.[i] ?? 0));
          expect(relativeError(delta, sum)).toBeLessThan(1e-6);
        }
        return;
      }
      const partial = mergeInMemory(adapters, { method: "cat", allowPartial: true });
      // The same names of files that have blocks 0 alone.
      if (
        [one, two].some((name) => /^flux-(bfl-bare|final-adaln)$/.test(name)) &&
        !`${one} ${two}`.includes("aitoolkit")
      ) {
        await partial;
        return;
      }
      await expect(partial).rejects.toThrow(/in different ways .*cannot match yet/);
      await expect(mergeInMemory(adapters, { method: "cat" })).rejects.not.toThrow(/--allow-partial/);
    },
  );

  it("brings Flux in kohya's names to those of other trainers by a conversion", async () => {
    const kohya = await open("flux-kohya-b");
    const conversion = loadedWriter("diffusers").convert(kohya, null);
    const sink = memorySink(conversion.layout.size);
    await writeConversion(kohya, conversion, sink);
    const merged = await deltasOf([await open("converted", sink.bytes), await open("flux-aitoolkit")]);
    expect(merged.size).toBe(40);
  });
});

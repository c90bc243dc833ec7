import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { RefusedError } from "../../src/core/errors.ts";
import { type GgufField, layoutGguf } from "../../src/formats/gguf/layout.ts";
import { refuseUnfit } from "../../src/node/evaluate/gguf-fit.ts";
import { loadModel } from "../../src/node/evaluate/llama.ts";
import { scoreRows } from "../../src/node/evaluate/score-rows.ts";
import { evaluate } from "../../src/node/evaluate.ts";
import { fakeLlama } from "../support/fake-llama.ts";
import { tempFolder } from "../support/pico.ts";

const folder = tempFolder();
const ROW = { task: "t", prompt: "a", choices: ["b", "c"], answer: 0 };

/** A GGUF file of zeros. @param shapes row-major */
function ggufFile(name: string, fields: Record<string, GgufField>, shapes: Record<string, readonly number[]>): string {
  const tensors = Object.entries(shapes).map(([key, shape]) => ({ name: key, dtype: "F32" as const, shape }));
  const { header, size } = layoutGguf(Object.entries(fields), tensors);
  const bytes = new Uint8Array(size);
  bytes.set(header);
  writeFileSync(join(folder, name), bytes);
  return join(folder, name);
}

const MODEL = { "general.architecture": "llama", "general.type": "model" };
const ADAPTER = { "general.architecture": "llama", "general.type": "adapter", "adapter.type": "lora" };
const LAYER = "blk.0.attn_q.weight";
const EMBED = "token_embd.weight";
const tied = ggufFile("tied.gguf", MODEL, { [EMBED]: [7, 4], [LAYER]: [6, 4] });
const untied = ggufFile("untied.gguf", MODEL, { [EMBED]: [7, 4], [LAYER]: [6, 4], "output.weight": [7, 4] });
const lora = (path: string, a: number[], b: number[]) => ({ [`${path}.lora_a`]: a, [`${path}.lora_b`]: b });

describe("a GGUF adapter and its base model", () => {
  it.each([
    [tied, lora(LAYER, [2, 4], [6, 2])],
    [untied, { ...lora(EMBED, [7, 2], [4, 2]), ...lora("output.weight", [2, 4], [7, 2]) }],
  ])("fit where llama.cpp loads it", async (base, tensors) => {
    await refuseUnfit("mine", ggufFile("fits.gguf", ADAPTER, tensors), base);
  });

  it.each([
    [
      "embedding",
      tied,
      ADAPTER,
      lora(EMBED, [7, 2], [4, 2]),
      /adapts token_embd\.weight, but in tied\.gguf head and embedding are one/,
    ],
    [
      "head",
      tied,
      ADAPTER,
      lora("output.weight", [2, 4], [7, 2]),
      /adapts output\.weight, but in tied\.gguf .*lora-lego fuse/,
    ],
    [
      "stray module",
      untied,
      ADAPTER,
      lora("blk.9.attn_q.weight", [2, 4], [6, 2]),
      /blk\.9\.attn_q\.weight, which untied\.gguf does not contain/,
    ],
    ["shape", untied, ADAPTER, lora(LAYER, [2, 5], [6, 2]), /\(2, 5\) and \(6, 2\), which do not fit its \(6, 4\)/],
    ["turned embedding", untied, ADAPTER, lora(EMBED, [2, 7], [4, 2]), /do not fit its \(7, 4\)/],
    ["rank", untied, ADAPTER, lora(LAYER, [2, 4], [6, 3]), /do not fit/],
    ["half", untied, ADAPTER, { [`${LAYER}.lora_a`]: [2, 4] }, /lora_a without its other half/],
    [
      "stray tensor",
      untied,
      ADAPTER,
      { "blk.0.attn_q.bias": [6] },
      /does not recognise blk.0.attn_q.bias as a LoRA factor/,
    ],
    ["architecture", untied, { ...ADAPTER, "general.architecture": "gpt2" }, {}, /says general\.architecture gpt2/],
    ["a model", untied, MODEL, {}, /says general\.type model, but an adapter of untied\.gguf must say adapter/],
  ] as const)("are refused in words: %s", async (_, base, fields, tensors, words) => {
    const refused = refuseUnfit("mine", ggufFile("odd.gguf", fields, tensors), base);
    await expect(refused).rejects.toThrow(words);
    await expect(refused).rejects.toThrow(RefusedError);
  });

  it("are told apart from our own faults where llama.cpp refuses them all the same", async () => {
    const { model } = await loadModel(fakeLlama(), "base.gguf", 1);
    const createContext = async (options: object) => {
      if ("lora" in options) throw new Error("Failed to load LoRA\n at native");
      return model.createContext(options);
    };
    const refusing = { ...model, createContext };
    const on = [{ filePath: join(folder, "odd.gguf"), scale: 1 }];
    const refused = scoreRows(refusing, on, [ROW], 1);
    await expect(refused).rejects.toThrow("llama.cpp does not load odd.gguf on this base model (Failed to load LoRA)");
    await expect(refused).rejects.toThrow(RefusedError);
    expect(await scoreRows(refusing, [], [ROW], 1)).toHaveLength(1);
  });
});

const CASES = fileURLToPath(new URL("../../../shared/cases/llm/llamacpp-tied-real", import.meta.url));
const absent = !existsSync(CASES);

describe.skipIf(absent)(`adapters at which llama.cpp aborts${absent ? ` (skipped: there is no ${CASES})` : ""}`, () => {
  it.each(["embed.gguf", "lmhead.gguf", "embed", "lmhead"])("%s is refused before it is loaded", async (name) => {
    const base = fileURLToPath(new URL("../../examples/minibench/llama/base", import.meta.url));
    let loaded = 0;
    const llama = fakeLlama(() => loaded++);
    const scored = evaluate({ base, adapters: [join(CASES, name)], rows: [ROW], threads: 1, llama });
    await expect(scored).rejects.toThrow(RefusedError);
    await expect(scored).rejects.toThrow(/fuse/);
    expect(loaded).toBe(0);
  });
});

import { describe, expect, it } from "vitest";
import type { Adapter } from "../../src/adapter/adapter.ts";
import { factorsAlone } from "../../src/adapter/factors-alone.ts";
import { openAdapter } from "../../src/adapter/open.ts";
import { writerOf } from "../../src/convert/convert.ts";
import { encodeSafetensors } from "../../src/formats/safetensors/write.ts";
import { type MergedAdapter, mergeInMemory } from "../../src/merge/merge.ts";
import type { Recipe } from "../../src/recipe/recipe.ts";
import { filled, memoryFolder, rejection } from "../support/memory-folder.ts";
import { decodeAdapter, openPico } from "../support/pico.ts";
import { written } from "../support/written.ts";

const KEY = "base_model.model.q.lora_B.bias";

/** One module with delta s [[1, 2], [0, 0]]. */
const adapter = (name: string, bias: readonly number[] | null, alpha = 1): Promise<Adapter> =>
  openPico(name, {
    modules: { q: { A: [[1, 2]], B: [[1], [0]] } },
    config: { lora_alpha: alpha, lora_bias: bias !== null },
    ...(bias !== null && { extras: { [KEY]: bias } }),
  });
const pair = () => Promise.all([adapter("one", [1, 2]), adapter("other", [10, 20], 3)]);

/** What the result's module adds beside B A x: its scale times its bias. */
function effect({ config, weights }: Pick<MergedAdapter, "config" | "weights">): number[] {
  const { modules, extras } = decodeAdapter(JSON.stringify(config), weights);
  expect(config.lora_bias).toBe(true);
  expect(config.bias).toBe("none");
  return [...extras.get(KEY)!.values].map((value) => value * modules.get("q")!.scale);
}

const merged = async (recipe: Recipe) => effect(await mergeInMemory(await pair(), recipe));

describe("biases next to B (lora_bias)", () => {
  it.each([
    ["cat", { method: "cat" }, [31, 62]],
    ["task_arithmetic", { method: "task_arithmetic", weights: [2, -1] }, [-28, -56]],
    ["svd", { method: "svd", target: { kind: "rank", rank: 1 } }, [31, 62]],
    ["average", { method: "average", weights: [1, 3] }, [22.75, 45.5]],
    ["cat, times a factor", { method: "cat", scale: -0.5 }, [-15.5, -31]],
  ] as const)("are weighted and scaled as the deltas (%s)", async (_, recipe, expected) => {
    const found = await merged(recipe as Recipe);
    for (const [o, value] of found.entries()) expect(value).toBeCloseTo(expected[o]!, 5);
  });

  it("follow the factor that is computed from the adapters", async () => {
    const result = await mergeInMemory(await pair(), { method: "cat", scale: "auto" });
    expect(result.plan.scale).not.toBe(1);
    expect(effect(result)[0]).toBeCloseTo(31 * result.plan.scale, 5);
  });

  it("are refused where the result's type cannot hold them, with the type that can", async () => {
    const adapters = [await adapter("one", [60000, 2]), await adapter("other", [60000, 20], 3)];
    const { message } = await rejection(mergeInMemory(adapters, { method: "cat", dtype: "f16" }));
    expect(message).toBe(`The merged ${KEY} has values that f16 cannot hold; pass --dtype f32.`);
    expect(effect(await mergeInMemory(adapters, { method: "cat", dtype: "f32" }))[0]).toBe(240000);
  });

  it("keep the scale that all adapters share out of the values", async () => {
    const adapters = [await adapter("one", [1, 2], 4), await adapter("other", [10, 20], 4)];
    const result = await mergeInMemory(adapters, { method: "cat" });
    expect(result.plan.sharedScale).toBe(4);
    expect(effect(result)).toEqual([44, 88]);
    expect(result.report.carried).toEqual([KEY]);
  });

  it.each(["lego", "svd"] as const)("of a single adapter stay as it is resized (%s)", async (method) => {
    const result = await mergeInMemory([await adapter("one", [1, 2], 3)], {
      method,
      target: { kind: "share", share: 1 },
    });
    expect(effect(result)).toEqual([3, 6]);
  });

  it("are left out where that is asked for, which a warning says", async () => {
    const { config, weights, report, plan } = await mergeInMemory(await pair(), { method: "ties", extras: "drop" });
    expect([...decodeAdapter(JSON.stringify(config), weights).extras.keys()]).toEqual([]);
    expect(config).not.toHaveProperty("lora_bias");
    expect(report.warnings.map(({ id }) => id)).toContain("extras-dropped");
    expect(plan.skipped).toEqual([0, 1].map((input) => ({ input, tensor: KEY })));
  });

  it.each([
    [
      { method: "ties" },
      /one, other: ties does more than add deltas.*--method cat, .*average.*, or pass --extras drop/,
    ],
    [{}, /: tsv does more than add deltas/],
    [{ method: "cat", after: "svc" }, /: the step svc does more than add deltas/],
    [{ method: "cat", for: "vllm" }, /vLLM loads no biases next to B .*--extras drop/],
  ] as const)("are refused where no rule covers them (%j)", async (recipe, said) => {
    expect((await rejection(mergeInMemory(await pair(), recipe as Recipe))).message).toMatch(said);
  });

  it("are refused where only some adapters, or some modules, have them", async () => {
    const adapters = [await adapter("one", [1, 2]), await adapter("plain", null)];
    const { message } = await rejection(mergeInMemory(adapters, { method: "cat" }));
    expect(message).toMatch(/^one trains biases next to B \(lora_bias\) and plain does not; .*--extras drop/);
    const module = { A: [[1, 2]], B: [[1], [0]] };
    const both = await openPico("both", { modules: { q: module, v: module }, extras: { [KEY]: [1, 2] } });
    const other = await openPico("other", {
      modules: { q: module, v: module },
      extras: { [KEY.replace(".q.", ".v.")]: [1, 2] },
    });
    expect((await rejection(mergeInMemory([both, other], { method: "cat" }))).message).toMatch(
      /^q has a bias next to B \(lora_bias\) in some adapters and none in others/,
    );
  });

  it("do not count where the adapter is left out", async () => {
    const adapters = [await adapter("one", [1, 2]), await adapter("plain", null)];
    expect(effect(await mergeInMemory(adapters, { method: "cat", weights: [1, 0] }))).toEqual([1, 2]);
    const { config } = await mergeInMemory(adapters, { method: "ties", weights: [0, 1] });
    expect(config).not.toHaveProperty("lora_bias");
  });

  it("are refused where a weight that they belong to would be stacked", async () => {
    const SIZES = { qkv: [2, 6], part: [2, 2] } as const;
    const file = (module: string, [inputs, out]: readonly [number, number], bias: boolean) =>
      openAdapter(
        memoryFolder(module, {
          "style.safetensors": encodeSafetensors([
            filled(`${module}.lora_A.weight`, [1, inputs]),
            filled(`${module}.lora_B.weight`, [out, 1]),
            ...(bias ? [filled(`${module}.lora_B.bias`, [out])] : []),
          ]),
        }),
      );
    const whole = await file("diffusion_model.double_blocks.0.img_attn.qkv", SIZES.qkv, false);
    const part = await file("transformer.transformer_blocks.0.attn.to_q", SIZES.part, true);
    const { message } = await rejection(mergeInMemory([whole, part], { method: "cat", allowPartial: true }));
    expect(message).toMatch(
      /^transformer.*attn\.to_q has a bias next to B .* another adapter has the weight that it is part of whole/,
    );
  });

  it("stay in a conversion to PEFT, and are refused by other formats unless they are left out", async () => {
    const one = await adapter("one", [1, 2], 3);
    const files = await written(one, "peft");
    const config = JSON.parse(String(files["adapter_config.json"]));
    expect(effect({ config, weights: files["adapter_model.safetensors"] as Uint8Array })).toEqual([3, 6]);
    const kohya = await writerOf("kohya");
    expect(() => kohya.convert(one, null)).toThrow(/one trains a bias next to B .* writes into PEFT folders only;/);
    expect(factorsAlone(one).variants).toEqual([]);
    expect(factorsAlone(one).modules.get("q")).not.toHaveProperty("bias");
  });
});

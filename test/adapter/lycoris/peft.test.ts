import { describe, expect, it } from "vitest";
import { type ConsumerId, consumerById } from "../../../src/adapter/consumers.ts";
import { checkOpened } from "../../../src/analysis/check.ts";
import { mergeInMemory } from "../../../src/merge/merge.ts";
import { rejection } from "../../support/memory-folder.ts";
import { ALONE, NO_FLOATS, ofIntegers, openCase, peftCase } from "../../support/peft-cases.ts";
import { decodeAdapter, type Nested, relativeError } from "../../support/pico.ts";

const cases = ALONE;
const one = peftCase;
const open = openCase;

describe("methods of PEFT that are a LoRA all the same", () => {
  it.each(cases.map((each) => [each.name, each] as const))(
    "%s: the deltas that PEFT adds",
    async (_, { deltas, ...it }) => {
      const adapter = await open(it);
      expect(adapter).toMatchObject({ format: "peft", variants: [], unknownFields: [], baseModel: null });
      const { config, weights } = await mergeInMemory([adapter], { method: "cat", dtype: "f32" });
      expect(config.peft_type).toBe("LORA");
      const { modules } = decodeAdapter(JSON.stringify(config), weights);
      expect([...modules.keys()].sort()).toEqual(Object.keys(deltas).sort());
      for (const [name, delta] of Object.entries(deltas)) {
        expect(relativeError(modules.get(name)!.delta, Float64Array.from(delta)), name).toBeLessThan(1e-6);
      }
    },
  );

  it.each(cases.map((each) => [each.name, each] as const))(
    "%s: refused with any tensor of integers",
    async (_, each) => {
      for (const tensor of ofIntegers(each)) {
        expect((await rejection(open(each, {}, [tensor]))).message).toBe(NO_FLOATS(tensor.name));
      }
    },
  );

  it.each([0, -1, 2.5, "2", null, [2]])("refuses a VB-LoRA whose topk is %j", async (topk) => {
    const { config, tensors } = one("VB-LoRA");
    expect((await rejection(open({ config: { ...config, topk }, tensors }))).message).toBe(
      `it: topk in the config is ${JSON.stringify(topk)}, but must be a positive integer; pass the config that was saved with these weights.`,
    );
  });

  it("takes PEFT's default of two where a VB-LoRA has no topk", async () => {
    const { config, tensors } = one("VB-LoRA");
    const { topk, ...rest } = config;
    expect(topk).toBe(2);
    const deltasOf = async (fields: typeof config) =>
      (await mergeInMemory([await open({ config: fields, tensors })], { method: "cat", dtype: "f32" })).weights;
    expect(await deltasOf(rest)).toEqual(await deltasOf(config));
  });

  it("merges with a LoRA of the same modules", async () => {
    const like = one("AdaLoRA");
    const tensors = {
      "base_model.model.q.lora_A.weight": [[1, 0, 0, 0, 0, 0]],
      "base_model.model.q.lora_B.weight": [[1], [2], [3], [4], [5], [6], [7], [8]],
    };
    const lora = { config: { peft_type: "LORA", r: 1, lora_alpha: 1, target_modules: ["q"] }, tensors };
    const adapters = [await open(like), await open(lora)];
    const { config, weights } = await mergeInMemory(adapters, { method: "cat", dtype: "f32" });
    const merged = decodeAdapter(JSON.stringify(config), weights).modules.get("q")!;
    const sum = like.deltas.q!.map((value, x) => value + (x % 6 === 0 ? x / 6 + 1 : 0));
    expect(relativeError(merged.delta, Float64Array.from(sum))).toBeLessThan(1e-6);
  });

  it("are loaded by PEFT, and by no other program", async () => {
    for (const each of cases) {
      const adapter = await open(each);
      const levels = (id: ConsumerId) => checkOpened(adapter, consumerById(id)).findings.map(({ level }) => level);
      expect(levels("peft").filter((level) => level !== "note")).toEqual([]);
      for (const id of ["vllm", "sglang", "tgi"] as const) {
        const { findings } = checkOpened(adapter, consumerById(id));
        expect(findings.map(({ text }) => text).join()).toMatch(
          /plain LoRA only.*(hada|lokr|lora_E|delora|vblora|gralora|c3a).*write plain LoRA/,
        );
      }
    }
  });

  it("says of LoHa, LoKr and C3A how large they are, and nothing of those that keep their rank", async () => {
    for (const each of cases) {
      const { notices } = await open(each);
      expect(notices.map(({ id }) => id)).toEqual(
        /^(LoHa|LoKr(?!, both factored)|C3A)/.test(each.name) ? ["exact-rank"] : [],
      );
    }
  });

  it.each([
    [
      "another rank",
      one("LoHa"),
      { r: 3 },
      /gives (q|k|c) rank 3, but its tensors \(such as .*hada_w1_a\) have rank 2/,
    ],
    ["a wrong alpha", one("LoKr"), { alpha: "x" }, /adapter_config\.json: alpha is "x", but must be a number/],
  ])("refuses a config of %s", async (_, { config, tensors }, fields, words) => {
    expect(String(await rejection(open({ config: { ...config, ...fields }, tensors })))).toMatch(words);
  });

  it.each(["lora_A", "lora_B", "lora_E"])("refuses an AdaLoRA that lacks %s", async (part) => {
    const { config, tensors } = one("AdaLoRA");
    const { [`base_model.model.q.${part}`]: _, ...lacking } = tensors;
    expect((await rejection(open({ config, tensors: lacking }))).message).toBe(
      `it: base_model.model.q has no ${part}; the file is incomplete, save or copy it again.`,
    );
  });

  it("refuses an AdaLoRA whose singular values are not one for each unit", async () => {
    const { config, tensors } = one("AdaLoRA");
    const key = "base_model.model.q.lora_E";
    const odd = { ...tensors, [key]: [[1], [2]] };
    expect(String(await rejection(open({ config, tensors: odd })))).toMatch(/lora_E is \(2, 1\), but must be \(3, 1\)/);
  });

  it("refuses names without PEFT's prefix, whose scale would be a guess", async () => {
    const { config, tensors } = one("LoHa");
    const bare = Object.entries(tensors).map(([key, values]): [string, Nested] => [
      key.replace(/^base_model.model./, ""),
      values,
    ]);
    const opening = open({ config, tensors: Object.fromEntries(bare) });
    expect(String(await rejection(opening))).toMatch(
      /: c starts neither with base_model\.model\..*scale is not certain/,
    );
  });

  it("calls a config that lies beside the tensors of a LoRA by its method", async () => {
    for (const method of ["LOHA", "ADALORA"]) {
      const tensors = { "base_model.model.q.lora_A.weight": [[1]], "base_model.model.q.lora_B.weight": [[1]] };
      const adapter = await open({ config: { peft_type: method, target_modules: ["q"] }, tensors });
      expect(adapter.variants).toMatchObject([{ id: "incomplete", of: "other_method", method }]);
    }
  });
});

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { Adapter, AdapterModule } from "../../src/adapter/adapter.ts";
import { consumerById } from "../../src/adapter/consumers.ts";
import { ggufFamilyOf } from "../../src/adapter/names/gguf.ts";
import { openAdapter } from "../../src/adapter/open.ts";
import { checkOpened } from "../../src/analysis/check.ts";
import { placesIn } from "../../src/analysis/checks/base-places.ts";
import { RefusedError } from "../../src/core/errors.ts";
import { layoutGguf } from "../../src/formats/gguf/layout.ts";
import { mergeInMemory } from "../../src/merge/merge.ts";
import { baseConfig } from "../support/base-config.ts";
import { moduleDelta } from "../support/experts.ts";
import { memoryFolder, rejection } from "../support/memory-folder.ts";
import { openPico, randomAdapter, relativeError } from "../support/pico.ts";
import { loadedWriter } from "../support/writers.ts";
import { written } from "../support/written.ts";

/**
 * What tools/consumers/gguf_families.py found: into which tensors llama.cpp's own conversion stacks experts, and which rows of which
 * projection these are; of experts with layers of their own, its convert_lora_to_gguf.py gave the same.
 */
interface Experts {
  readonly path: string;
  readonly shapes: Readonly<Record<string, readonly [out: number, inputs: number]>>;
  readonly tensors: readonly { readonly name: string; readonly projection: string; readonly rows: readonly number[] }[];
}
interface Family {
  readonly config: Readonly<Record<string, unknown>> & { readonly model_type: string };
  readonly experts?: readonly Experts[];
}
const { families } = JSON.parse(readFileSync(new URL("../golden/gguf/families.json", import.meta.url), "utf8")) as {
  readonly families: readonly Family[];
};
const CASES = families.flatMap(({ config, experts = [] }) =>
  experts.map((form) => [`${config.model_type} ${Object.keys(form.shapes).join(", ")}`, config, form] as const),
);
const EXPERTS = 2;
const RANK = 3;

/** An adapter of all experts, at scale 2; some may be left out, or have another rank. */
function adapterOf({ path, shapes }: Experts, rankOf = (_: string): number => RANK): Promise<Adapter> {
  const modules = Object.entries(shapes).flatMap(([projection, [out, inputs]]) =>
    Array.from({ length: EXPERTS }, (_, e) => {
      const name = `${path}.${e}.${projection}`;
      return [name, { in: inputs, out, rank: rankOf(name) }] as const;
    }),
  );
  const present = Object.fromEntries(modules.filter(([, { rank }]) => rank > 0));
  const ranks = Object.fromEntries(Object.entries(present).map(([name, { rank }]) => [name, rank]));
  const alphas = Object.fromEntries(Object.entries(ranks).map(([name, rank]) => [name, 2 * rank]));
  const config = { r: RANK, lora_alpha: 2 * RANK, rank_pattern: ranks, alpha_pattern: alphas };
  return openPico("mine", { ...randomAdapter(5, { modules: present }), config });
}

async function throughGguf(adapter: Adapter, config: Family["config"]) {
  const base = baseConfig(config);
  const bytes = (await written(adapter, "gguf", base))["adapter.gguf"] as Uint8Array;
  const open = (baseOf: typeof base | null) =>
    openAdapter(memoryFolder("there", { "x.gguf": bytes }), baseOf === null ? {} : { baseConfig: baseOf });
  return { bytes, open: () => open(base), bare: () => open(null) };
}

const rowsOf = (delta: Float64Array, inputs: number, rows: readonly number[]): Float64Array =>
  Float64Array.from(rows.flatMap((row) => Array.from(delta.subarray(row * inputs, (row + 1) * inputs))));

async function expectDelta(there: Adapter, module: AdapterModule, delta: Float64Array): Promise<void> {
  expect(relativeError(await moduleDelta(there, module), delta), module.name).toBeLessThan(1e-6);
}

describe.each(CASES)("experts of %s in GGUF", (_, config, form) => {
  it("are the tensors and rows of llama.cpp's own conversion", async () => {
    const adapter = await adapterOf(form);
    const { tensors } = loadedWriter("gguf").convert(adapter, baseConfig(config));
    const expected = form.tensors.flatMap(({ name, projection, rows }) => {
      const [, inputs] = form.shapes[projection]!;
      return [
        [`${name}.weight.lora_a`, [EXPERTS, RANK, inputs]],
        [`${name}.weight.lora_b`, [EXPERTS, rows.length, RANK]],
      ];
    });
    expect(tensors.map(({ name, shape }) => [name, shape]).toSorted()).toEqual(expected.toSorted());

    // Under a name of no family, modules are the file's own tensors, expert by expert.
    const { bytes } = await throughGguf(adapter, config);
    const text = new TextDecoder("latin1").decode(bytes).indexOf("general.architecture");
    const unknown = bytes.slice();
    unknown[text + "general.architecture".length + 12] = "Z".charCodeAt(0);
    const own = await openAdapter(memoryFolder("own", { "x.gguf": unknown }));
    for (const { name, projection, rows } of form.tensors) {
      for (let e = 0; e < EXPERTS; e++) {
        const module = adapter.modules.get(`${form.path}.${e}.${projection}`)!;
        const expectedRows = rowsOf(await moduleDelta(adapter, module), module.in, rows);
        await expectDelta(own, own.modules.get(`${name}.${e}`)!, expectedRows);
      }
    }
    expect(own.modules.size).toBe(EXPERTS * form.tensors.length);
    const again = (await written(own, "gguf", baseConfig(config)))["adapter.gguf"] as Uint8Array;
    expect(again).toEqual(bytes);
  });

  it("come back with the same deltas, and merge with the adapter that they were made from", async () => {
    const adapter = await adapterOf(form);
    const there = await (await throughGguf(adapter, config)).open();
    for (const [name, module] of adapter.modules) {
      const delta = await moduleDelta(adapter, module);
      const [, expert, projection] = /\.experts\.(\d+)\.(.+)$/.exec(name)!;
      const whole = there.modules.get(name);
      if (whole !== undefined) {
        await expectDelta(there, whole, delta);
        continue;
      }
      // Models that may have both are read with gate and up apart.
      expect(projection).toBe("gate_up_proj");
      const size = (module.in * module.out) / 2;
      for (const [i, half] of ["gate_proj", "up_proj"].entries()) {
        const own = there.modules.get(`${form.path}.${expert}.${half}`)!;
        await expectDelta(there, own, delta.subarray(i * size, (i + 1) * size));
      }
    }
  });
});

const [, QWEN, SINGLE] = CASES.find(([name]) => name.startsWith("qwen3_moe gate_proj"))!;
const [, GPT_OSS, WHOLE] = CASES.find(([name]) => name.startsWith("gpt_oss"))!;

describe("experts in GGUF", () => {
  it("get zeros where they are missing or smaller, and keep their scale", async () => {
    const rankOf = (name: string): number => (name.includes(".0.gate") ? 0 : name.includes(".1.down") ? 1 : RANK);
    const adapter = await adapterOf(SINGLE, rankOf);
    const there = await (await throughGguf(adapter, QWEN)).open();
    expect(there.modules.size).toBe(3 * EXPERTS);
    for (const [name, module] of there.modules) {
      const own = adapter.modules.get(name);
      const delta = own === undefined ? new Float64Array(module.in * module.out) : await moduleDelta(adapter, own);
      if (own === undefined) expect((await moduleDelta(there, module)).every((value) => value === 0)).toBe(true);
      else await expectDelta(there, module, delta);
    }
  });

  it("of gpt-oss are parameters with gate and up in turn again, which PEFT's folders hold", async () => {
    const adapter = await adapterOf(WHOLE);
    const there = await (await throughGguf(adapter, GPT_OSS)).bare();
    const back = await openAdapter(memoryFolder("back", await written(there, "peft")));
    expect(back.targetParameters).toEqual(["down_proj", "gate_up_proj"].map((own) => `${WHOLE.path}.${own}`));
    for (const [name, module] of adapter.modules) {
      await expectDelta(back, back.modules.get(name)!, await moduleDelta(adapter, module));
    }
    const { config } = await mergeInMemory([back, there], { method: "cat" });
    expect(config).toMatchObject({ target_parameters: expect.any(Array) });
  });

  it("tell the order of gate and up, as does the base's config", async () => {
    const adapter = await adapterOf(WHOLE);
    const there = await throughGguf(adapter, GPT_OSS);
    expect((await there.bare()).gateUpInTurn).toBe(true);
    expect((await (await throughGguf(await adapterOf(SINGLE), QWEN)).open()).gateUpInTurn).toBe(false);
    const files = await written(adapter, "peft");
    const opened = async (model_type?: string) => {
      const text = JSON.stringify(model_type === undefined ? { _class_name: "UNet" } : { model_type });
      return (await openAdapter(memoryFolder("own", files), { baseConfig: { text, where: "config.json" } }))
        .gateUpInTurn;
    };
    expect([await opened("gpt_oss"), await opened("qwen3_moe"), await opened()]).toEqual([true, false, null]);
    expect(adapter.gateUpInTurn).toBeNull();
  });

  it("are parameters where a file has gate and up as one tensor, as bases made with --fuse-gate-up-exps do", async () => {
    const [rank, inputs, half] = [2, 16, 24];
    const shapes = { ffn_gate_up_exps: [2 * half, inputs], ffn_down_exps: [inputs, half] };
    const specs = Object.entries(shapes).flatMap(([own, [out, columns]]) => [
      { name: `blk.1.${own}.weight.lora_a`, dtype: "F32" as const, shape: [EXPERTS, rank, columns!] },
      { name: `blk.1.${own}.weight.lora_b`, dtype: "F32" as const, shape: [EXPERTS, out!, rank] },
    ]);
    const layout = layoutGguf(
      [
        ["general.architecture", "qwen3moe"],
        ["general.type", "adapter"],
        ["adapter.type", "lora"],
      ],
      specs,
    );
    const bytes = new Uint8Array(layout.size);
    bytes.set(layout.header);
    const adapter = await openAdapter(memoryFolder("fused", { "x.gguf": bytes }));
    const found = [...adapter.modules.values()].map(({ name, parameter }) => [name, parameter?.name]);
    expect(found.toSorted()).toEqual(
      ["gate_up_proj", "down_proj"].flatMap((own) => [0, 1].map((e) => [`${SINGLE.path}.${e}.${own}`, own])).toSorted(),
    );
  });

  describe("of Gemma 4", () => {
    const [, GEMMA, GATE_UP] = CASES.find(([name]) => name.startsWith("gemma4"))!;
    const DOWN = { ...GATE_UP, shapes: { down_proj: [16, 24] } } as const;

    it("have gate and up as one tensor, also of an adapter that has them apart", async () => {
      const apart = { ...GATE_UP, shapes: { gate_proj: [24, 16], up_proj: [24, 16] } } as const;
      const adapter = await adapterOf(apart);
      const there = await (await throughGguf(adapter, GEMMA)).open();
      expect(there.modules.size).toBe(EXPERTS);
      for (let e = 0; e < EXPERTS; e++) {
        const halves = ["gate_proj", "up_proj"].map((own) => adapter.modules.get(`${apart.path}.${e}.${own}`)!);
        const rows = await Promise.all(halves.map((half) => moduleDelta(adapter, half)));
        const both = there.modules.get(`${apart.path}.${e}.gate_up_proj`)!;
        await expectDelta(there, both, Float64Array.from(rows.flatMap((half) => [...half])));
      }
    });

    it("refuse down, which llama.cpp scales before it adds LoRA, and go without it", async () => {
      const shapes = { ...GATE_UP.shapes, ...DOWN.shapes };
      const adapter = await adapterOf({ ...GATE_UP, shapes });
      const error = await rejection(written(adapter, "gguf", baseConfig(GEMMA)));
      expect(error.message).toBe(
        `mine: llama.cpp scales ${GATE_UP.path}.0.down_proj by the router's per_expert_scale, and would add a LoRA without it; leave it out with lora-lego merge --exclude 'experts.*.down_proj', or fuse the adapter into its base with lora-lego fuse and convert that model.`,
      );
      const { config, weights } = await mergeInMemory([adapter], { method: "cat", exclude: ["experts.*.down_proj"] });
      const files = { "adapter_config.json": JSON.stringify(config), "adapter_model.safetensors": weights };
      const rest = await openAdapter(memoryFolder("rest", files));
      expect(await (await throughGguf(rest, GEMMA)).open()).toMatchObject({ modules: { size: EXPERTS } });
    });

    it("keep llama.cpp's name for down of a file that has it all the same, and go back into one", async () => {
      const specs = ["a", "b"].map((half) => ({
        name: `blk.1.ffn_down_exps.weight.lora_${half}`,
        dtype: "F32" as const,
        shape: half === "a" ? [EXPERTS, 2, 24] : [EXPERTS, 16, 2],
      }));
      const layout = layoutGguf(
        [
          ["general.architecture", "gemma4"],
          ["general.type", "adapter"],
          ["adapter.type", "lora"],
        ],
        specs,
      );
      const bytes = new Uint8Array(layout.size);
      bytes.set(layout.header);
      const adapter = await openAdapter(memoryFolder("theirs", { "x.gguf": bytes }));
      expect([...adapter.modules.keys()]).toEqual(["blk.1.ffn_down_exps.0", "blk.1.ffn_down_exps.1"]);
      const { tensors } = loadedWriter("gguf").convert(adapter, baseConfig(GEMMA));
      expect(tensors.map(({ name }) => name)).toEqual(specs.map(({ name }) => name));
    });

    it("are found by check in the tensor of gate and up of a GGUF base", async () => {
      const base = {
        name: "base.gguf",
        config: null,
        modules: new Map([["blk.1.ffn_gate_up_exps", [EXPERTS, 48, 16]]]),
        naming: "gguf" as const,
        family: ggufFamilyOf({ modelType: "gemma4_text", wholeType: "gemma4" }),
        tied: false,
      };
      const places = placesIn(base, await adapterOf(GATE_UP))!;
      expect(places.map(({ found, fits }) => [found?.key, fits])).toEqual(
        Array(EXPERTS).fill(["blk.1.ffn_gate_up_exps", true]),
      );
    });
  });

  it("are refused where a file has them in two dimensions", async () => {
    const layout = layoutGguf(
      [
        ["general.architecture", "qwen3moe"],
        ["general.type", "adapter"],
        ["adapter.type", "lora"],
      ],
      ["a", "b"].map((half) => ({ name: `blk.1.ffn_up_exps.weight.lora_${half}`, dtype: "F32", shape: [2, 2] })),
    );
    const bytes = new Uint8Array(layout.size);
    bytes.set(layout.header);
    const error = await rejection(openAdapter(memoryFolder("flat", { "x.gguf": bytes })));
    expect(error.message).toMatch(/blk\.1\.ffn_up_exps has factors that no experts have \(A is \(2, 2\)/);
  });

  it.each([
    [
      "gemma4",
      ["blk.1.ffn_down_exps", [2, 3, 8], [2, 8, 3]],
      "scales blk.1.ffn_down_exps by the router's per_expert_scale",
    ],
    ["deepseek2", ["blk.1.attn_k_b", [3, 8], [8, 3]], "applies no LoRA to blk.1.attn_k_b"],
    ["deepseek2", ["blk.1.ffn_down_exps", [2, 3, 8], [2, 8, 3]], null],
  ] as const)(
    "say where llama.cpp would not apply them as trained: %s, %j",
    async (architecture, [tensor, a, b], why) => {
      const layout = layoutGguf(
        [
          ["general.architecture", architecture],
          ["general.type", "adapter"],
          ["adapter.type", "lora"],
        ],
        [
          { name: `${tensor}.weight.lora_a`, dtype: "F32", shape: [...a] },
          { name: `${tensor}.weight.lora_b`, dtype: "F32", shape: [...b] },
        ],
      );
      const bytes = new Uint8Array(layout.size);
      bytes.set(layout.header);
      const adapter = await openAdapter(memoryFolder("there", { "x.gguf": bytes }));
      const { findings } = checkOpened(adapter, consumerById("llamacpp"));
      const said = findings.filter(({ level }) => level === "differs").map(({ text }) => text);
      expect(said).toEqual(why === null ? [] : [expect.stringContaining(`llama.cpp ${why}`)]);
      const elsewhere = checkOpened(adapter, consumerById("peft")).findings.filter(
        ({ text }) => text.includes("llama.cpp applies") || text.includes("llama.cpp scales"),
      );
      expect(elsewhere.map(({ level }) => level)).toEqual(why === null ? [] : ["note"]);
    },
  );

  it("are looked up by check in the tensors of a GGUF base", async () => {
    const base = (inner: number) => ({
      name: "base.gguf",
      config: null,
      modules: new Map(
        ["gate", "up", "down"].map((own) => [
          `blk.1.ffn_${own}_exps`,
          own === "down" ? [EXPERTS, 16, inner] : [EXPERTS, inner, 16],
        ]),
      ),
      naming: "gguf" as const,
      family: ggufFamilyOf({ modelType: "qwen3_moe", wholeType: "qwen3_moe" }),
      tied: false,
    });
    for (const form of [SINGLE, { ...WHOLE, path: SINGLE.path }]) {
      const adapter = await adapterOf(form);
      const fits = placesIn(base(24), adapter)!.map((place) => place.fits);
      expect(fits).toEqual(fits.map(() => true));
      expect(placesIn(base(8), adapter)!.every((place) => place.fits === false)).toBe(true);
      const none = placesIn({ ...base(24), modules: new Map() }, adapter)!;
      expect(none.every(({ found }) => found === null)).toBe(true);
    }
  });

  it("are refused where the base has no place for them, and where its config does not say how many it has", async () => {
    const outside = await openPico(
      "mine",
      randomAdapter(1, { modules: { [`${SINGLE.path}.9.up_proj`]: { in: 16, out: 24 } } }),
    );
    const convert = (config: object) => () => loadedWriter("gguf").convert(outside, baseConfig({ ...config }));
    expect(convert(QWEN)).toThrow(
      `mine: ${SINGLE.path}.9.up_proj is not an expert that llama.cpp adapts in qwen3moe models (2 per layer); leave it out with lora-lego merge --exclude ${SINGLE.path}.9.up_proj.`,
    );
    expect(convert({ ...QWEN, num_experts: null })).toThrow(/does not say how many experts a layer has/);
    const dense = families.find(({ config }) => config.model_type === "qwen3")!.config;
    expect(convert(dense)).toThrow(/is not an expert that llama\.cpp adapts in qwen3 models; leave it out/);
    const adapter = await adapterOf(SINGLE);
    const there = await (await throughGguf(adapter, QWEN)).open();
    const error = await rejection(written(there, "gguf", baseConfig(dense)));
    expect(error).toBeInstanceOf(RefusedError);
  });
});

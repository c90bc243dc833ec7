import { describe, expect, it } from "vitest";
import { openAdapter } from "../../src/adapter/open.ts";
import { FormatError, RefusedError } from "../../src/core/errors.ts";
import { peftKey } from "../../src/formats/peft-folder/factors.ts";
import type { TensorData } from "../../src/formats/safetensors/write.ts";
import { filled, keyOf, linear, memoryFolder, openPeft, peftFiles, rejection } from "../support/memory-folder.ts";
import { strided } from "../support/strided.ts";

type Config = Readonly<Record<string, unknown>>;

/** An adapter of these tensors is refused in one sentence that names it and has all `parts`. */
async function refuses(
  kind: typeof FormatError | typeof RefusedError,
  tensors: readonly TensorData[],
  config: Config,
  ...parts: string[]
): Promise<void> {
  const error = await rejection(openPeft(tensors, config));
  expect(error).toBeInstanceOf(kind);
  for (const part of ["adapter", ...parts]) expect(error.message).toContain(part);
  expect(error.message).toMatch(/[^.]\.$/);
}

/** The scale of each module, by name. */
async function scales(tensors: readonly TensorData[], config: Config): Promise<Record<string, number>> {
  const { modules } = await openPeft(tensors, config);
  return Object.fromEntries(Array.from(modules, ([name, { scale }]) => [name, scale]));
}

describe("modules", () => {
  it("come from the tensor keys, whatever target_modules says", async () => {
    const tensors = [...linear("layers.0.q"), ...linear("layers.1.odd")];
    const { modules } = await openPeft(tensors, { target_modules: ["q", "absent"] });
    expect([...modules.keys()].sort()).toEqual(["layers.0.q", "layers.1.odd"]);
  });

  it("take sizes from the factors and their places from the file", async () => {
    const { modules, files } = await openPeft(linear("q", 2, 3, 4));
    const module = modules.get("q")!;
    expect(module).toMatchObject({ name: "q", kind: "linear", in: 3, out: 4, inputShape: [3], rank: 2, scale: 2 });
    expect(module.a).toMatchObject({ name: keyOf("q", "lora_A.weight"), file: 0, dtype: "F32", shape: [2, 3] });
    expect(module.b).toMatchObject({ name: keyOf("q", "lora_B.weight"), file: 0, dtype: "F32", shape: [4, 2] });
    expect(strided(module.a).end - strided(module.a).begin).toBe(24);
    expect(strided(module.b).end).toBe(files[0]!.size);
  });

  it("of embeddings take in from the vocabulary, and have keys without .weight", async () => {
    const tensors = [
      filled(keyOf("embed", "lora_embedding_A"), [2, 10]),
      filled(keyOf("embed", "lora_embedding_B"), [3, 2]),
    ];
    const { modules } = await openPeft(tensors);
    const module = modules.get("embed")!;
    expect(module).toMatchObject({ kind: "embedding", in: 10, out: 3, rank: 2 });
    expect([peftKey(module, "A"), peftKey(module, "B")]).toEqual(tensors.map(({ name }) => name));
  });

  it.each([
    [
      [2, 3, 5, 5],
      [4, 2, 1, 1],
      [3, 5, 5],
    ],
    [
      [2, 3, 7],
      [4, 2, 1],
      [3, 7],
    ],
    [
      [2, 3, 1, 2, 3],
      [4, 2, 1, 1, 1],
      [3, 1, 2, 3],
    ],
  ])("of convolutions %j, %j take in from channels times kernel", async (a, b, inputShape) => {
    const tensors = [filled(keyOf("conv", "lora_A.weight"), a), filled(keyOf("conv", "lora_B.weight"), b)];
    const { modules } = await openPeft(tensors);
    const module = modules.get("conv")!;
    const inputs = inputShape.reduce((product, size) => product * size, 1);
    expect(module).toMatchObject({ kind: "conv", in: inputs, out: 4, rank: 2, inputShape });
    expect(peftKey(module, "A")).toBe(tensors[0]!.name);
  });

  it.each(["F64", "F32", "F16", "BF16", "F8_E4M3", "F8_E5M2"] as const)("may be stored in %s", async (dtype) => {
    const { modules } = await openPeft(linear("q", 2, 3, 4, dtype));
    expect(modules.get("q")!.a.dtype).toBe(dtype);
  });

  it("stored in integers are refused", async () => {
    await refuses(RefusedError, linear("q", 2, 3, 4, "I8"), {}, keyOf("q", "lora_A.weight"), "I8");
  });

  it("of a layer with fan_in_fan_out keep the shapes of their factors", async () => {
    const adapter = await openPeft(linear("h.0.attn.c_attn", 2, 3, 9), { fan_in_fan_out: true });
    expect(adapter.fanInFanOut).toBe(true);
    expect(adapter.modules.get("h.0.attn.c_attn")).toMatchObject({ in: 3, out: 9 });
  });

  it("need both factors", async () => {
    const [a, b] = linear("layers.0.q") as [TensorData, TensorData];
    await refuses(FormatError, [a], {}, "base_model.model.layers.0.q has lora_A but no lora_B");
    await refuses(FormatError, [b], {}, "base_model.model.layers.0.q has lora_B but no lora_A");
  });

  it("need factors of one rank, neither empty", async () => {
    const pair = (a: number[], b: number[]) => [
      filled(keyOf("q", "lora_A.weight"), a),
      filled(keyOf("q", "lora_B.weight"), b),
    ];
    await refuses(FormatError, pair([2, 3], [4, 3]), {}, "differ in rank (A is (2, 3), B is (4, 3))");
    await refuses(FormatError, pair([0, 3], [4, 0]), {}, "are empty");
    await refuses(FormatError, pair([2, 0], [4, 2]), {}, "are empty");
    await refuses(FormatError, pair([2, 3], [0, 2]), {}, "are empty");
    await refuses(FormatError, pair([2], [2]), {}, "no LoRA layer has");
    await refuses(FormatError, pair([2, 3, 1], [4, 2]), {}, "no LoRA layer has");
    await refuses(FormatError, pair([2, 3, 1, 1], [4, 2, 1, 2]), {}, "no LoRA layer has");
  });

  it("of MergedLinear adapters of 2023, whose B is grouped, are refused by that name", async () => {
    // Also where B has more units than A, as factors of a single process have.
    for (const rows of [16, 4]) {
      const a = filled(keyOf("q", "lora_A.weight"), [rows, 64]);
      const b = filled(keyOf("q", "lora_B.weight"), [128, 8, 1]);
      await refuses(RefusedError, [a, b], { r: 8 }, "MergedLinear", "(128, 8, 1)");
    }
  });

  it("need a name", async () => {
    const nameless = ["lora_A", "lora_B"].map((half) => filled(`base_model.model.${half}.weight`, [1, 1]));
    await refuses(RefusedError, nameless, { r: 1 }, "a lora_A and a lora_B without the name of a module");
  });

  it("have a scale of 0, and not of -0, where alpha is -0", async () => {
    const { "adapter_config.json": _, ...weights } = peftFiles(linear("q"));
    const config = '{"peft_type": "LORA", "r": 2, "lora_alpha": -0, "target_modules": ["q"]}';
    const { modules } = await openAdapter(memoryFolder("it", { ...weights, "adapter_config.json": config }));
    expect(Object.is(modules.get("q")!.scale, 0)).toBe(true);
  });

  it("cannot be linear and an embedding at once, nor an embedding with a kernel", async () => {
    const embedding = [filled(keyOf("q", "lora_embedding_A"), [2, 3]), filled(keyOf("q", "lora_embedding_B"), [4, 2])];
    await refuses(FormatError, [...linear("q"), ...embedding], {}, "both linear and embedding factors");
    const odd = [filled(keyOf("q", "lora_embedding_A"), [2, 3, 1]), filled(keyOf("q", "lora_embedding_B"), [4, 2, 1])];
    await refuses(FormatError, odd, {}, "no LoRA layer has");
  });

  it("must be there at all", async () => {
    await refuses(FormatError, [filled("base_model.model.classifier.weight", [2])], {}, "holds no LoRA factors");
    await refuses(FormatError, [], {}, "holds no LoRA factors");
  });
});

describe("scale", () => {
  const tensors = [...linear("layers.0.q"), ...linear("layers.1.q"), ...linear("layers.1.k")];

  it("is alpha / r, or alpha / sqrt(r) with rsLoRA", async () => {
    const wide = linear("q", 4);
    expect(await scales(wide, { r: 4, lora_alpha: 6 })).toEqual({ q: 1.5 });
    expect(await scales(wide, { r: 4, lora_alpha: 6, use_rslora: true })).toEqual({ q: 3 });
    expect(await scales(wide, { r: 4, lora_alpha: 0 })).toEqual({ q: 0 });
    expect(await scales(wide, { r: 4, lora_alpha: -6 })).toEqual({ q: -1.5 });
  });

  it("follows PEFT's defaults where r and lora_alpha are absent: 8 / 8", async () => {
    expect(await scales(linear("q", 8), { r: undefined, lora_alpha: undefined })).toEqual({ q: 1 });
    expect(await scales(linear("q", 8), { r: undefined, lora_alpha: 32 })).toEqual({ q: 4 });
    expect(await scales(linear("q", 4), { r: 4, lora_alpha: undefined })).toEqual({ q: 2 });
  });

  it("follows alpha_pattern, the first match in the file's order", async () => {
    const named = { r: 2, lora_alpha: 2, alpha_pattern: { "layers.1.q": 6, q: 4 } };
    expect(await scales(tensors, named)).toEqual({ "layers.0.q": 2, "layers.1.q": 3, "layers.1.k": 1 });
    const turned = { r: 2, lora_alpha: 2, alpha_pattern: { q: 4, "layers.1.q": 6 } };
    expect(await scales(tensors, turned)).toEqual({ "layers.0.q": 2, "layers.1.q": 2, "layers.1.k": 1 });
  });

  it("follows patterns that are regular expressions, matched with the end of the name", async () => {
    const config = { r: 2, lora_alpha: 2, alpha_pattern: { "layers\\.1\\.(q|k)": 8, ayers: 100 } };
    expect(await scales(tensors, config)).toEqual({ "layers.0.q": 1, "layers.1.q": 4, "layers.1.k": 4 });
  });

  it("divides by the rank of rank_pattern, or by its root with rsLoRA", async () => {
    const mixed = [...linear("layers.0.q", 4), ...linear("layers.1.q", 16)];
    const config = { r: 4, lora_alpha: 8, rank_pattern: { "1.q": 16 } };
    expect(await scales(mixed, config)).toEqual({ "layers.0.q": 2, "layers.1.q": 0.5 });
    expect(await scales(mixed, { ...config, use_rslora: true })).toEqual({ "layers.0.q": 4, "layers.1.q": 2 });
    const both = { ...config, alpha_pattern: { "layers.1.q": 32 } };
    expect(await scales(mixed, both)).toEqual({ "layers.0.q": 2, "layers.1.q": 2 });
  });

  it("is refused where the config's rank is not the tensor's, in words that name both", async () => {
    await refuses(FormatError, linear("layers.0.q", 2), { r: 4 }, "gives layers.0.q rank 4", "shape (2, 3)");
    const pattern = { r: 2, rank_pattern: { q: 3 } };
    await refuses(FormatError, linear("layers.0.q", 2), pattern, "gives layers.0.q rank 3", "shape (2, 3)");
  });

  it("is refused where a pattern cannot be read", async () => {
    await refuses(RefusedError, tensors, { rank_pattern: { "(?i)q": 2 } }, "rank_pattern", "(?i)q");
    await refuses(RefusedError, tensors, { alpha_pattern: { "q(": 2 } }, "alpha_pattern", "q(");
  });
});

describe("tensors beside the factors", () => {
  const head = (infix: string, fill = 1) => filled(`base_model.model.classifier.${infix}weight`, [2, 3], "F32", fill);

  it("are kept under their own key", async () => {
    const bias = filled("base_model.model.layers.0.q.bias", [4]);
    const { extras, ignored } = await openPeft([...linear("layers.0.q"), head(""), bias]);
    expect([...extras.keys()].sort()).toEqual([head("").name, bias.name]);
    expect(extras.get(bias.name)).toMatchObject({ name: bias.name, dtype: "F32", shape: [4] });
    expect(ignored).toEqual([]);
  });

  it.each(["modules_to_save.", "modules_to_save.default."])("of %s are kept under the plain name", async (infix) => {
    const { extras } = await openPeft([...linear("q"), head(infix)], { modules_to_save: ["classifier"] });
    expect([...extras.keys()]).toEqual([head("").name]);
    expect(extras.get(head("").name)!.name).toBe(head(infix).name);
  });

  it("that copy the base (original_module, base_layer) are never kept, and listed", async () => {
    const copies = [head("original_module."), filled(keyOf("q", "base_layer.weight"), [4, 3])];
    const { extras, ignored } = await openPeft([...linear("q"), ...copies, head("modules_to_save.", 2)]);
    expect([...ignored].sort()).toEqual(copies.map(({ name }) => name).sort());
    expect([...extras.keys()]).toEqual([head("").name]);
  });

  it("hold the own biases of adapted layers where biases were trained", async () => {
    const bias = filled(keyOf("q", "base_layer.bias"), [4]);
    const tensors = [...linear("q"), bias, filled(keyOf("q", "base_layer.weight"), [4, 3])];
    for (const trained of ["all", "lora_only"]) {
      const { extras, ignored } = await openPeft(tensors, { bias: trained });
      expect([...extras.keys()]).toEqual([bias.name]);
      expect(ignored).toHaveLength(1);
    }
    expect((await openPeft(tensors, { bias: "none" })).extras.size).toBe(0);
    expect((await openPeft(tensors)).extras.size).toBe(0);
  });

  it("may be there twice if the copies are equal", async () => {
    const tensors = [...linear("q"), head("", 7), head("modules_to_save.", 7), head("modules_to_save.default.", 7)];
    const { extras } = await openPeft(tensors);
    expect(extras.size).toBe(1);
  });

  it("are refused where two copies differ, in value, type or shape, in the last byte too", async () => {
    const saved = head("modules_to_save.", 7);
    const last = head("", 7);
    last.data[last.data.length - 1] = 8;
    const others = [last, { ...head("", 7), dtype: "I32" as const }, { ...head("", 7), shape: [3, 2] }];
    for (const other of others) {
      await refuses(
        RefusedError,
        [...linear("q"), saved, other],
        {},
        `${saved.name} and its copy ${other.name} differ`,
      );
    }
    const twin = head("modules_to_save.default.", 8);
    await refuses(RefusedError, [...linear("q"), saved, twin], {}, saved.name, twin.name, "differ");
  });

  it("longer than a megabyte are compared to their end", async () => {
    const size = (1 << 20) + 5;
    const long = (name: string) => filled(name, [size], "U8", 1);
    const [one, other] = [long("base_model.model.h.w"), long("base_model.model.h.modules_to_save.w")];
    expect((await openPeft([...linear("q"), one, other])).extras.size).toBe(1);
    other.data[size - 1] = 2;
    await refuses(RefusedError, [...linear("q"), one, other], {}, "differ");
  });
});

describe("what an adapter says of itself", () => {
  it("is what its config says", async () => {
    const config = {
      base_model_name_or_path: "org/base",
      task_type: "SEQ_CLS",
      target_modules: ["q", "k"],
      layers_to_transform: [1],
      modules_to_save: ["classifier"],
      mystery: 1,
    };
    expect(await openPeft(linear("q"), config, "mine")).toMatchObject({
      name: "mine",
      format: "peft",
      baseModel: "org/base",
      taskType: "SEQ_CLS",
      targetModules: null,
      someLayers: true,
      modulesToSave: ["classifier"],
      unknownFields: ["mystery"],
    });
  });
});

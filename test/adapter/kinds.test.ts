import { describe, expect, it } from "vitest";
import type { Adapter } from "../../src/adapter/adapter.ts";
import { refuseKinds } from "../../src/adapter/kinds.ts";
import { RefusedError } from "../../src/core/errors.ts";
import type { ModuleKind } from "../../src/core/module-kind.ts";
import { factorShapes, peftKey } from "../../src/formats/peft-folder/factors.ts";
import { planFusion } from "../../src/fuse/plan-fusion.ts";
import { wasmKernels } from "../../src/kernels/wasm.ts";
import { makePlan } from "../../src/plan/plan.ts";
import { UnitReader } from "../../src/units/unit-reader.ts";
import { baseConfig } from "../support/base-config.ts";
import { openPicoModel } from "../support/models.ts";
import { openPico, randomAdapter } from "../support/pico.ts";
import { WRITERS } from "../support/writers.ts";

const NAME = "model.layers.0.mlp.up_proj";
const BASE = baseConfig({ model_type: "llama", tie_word_embeddings: false });

/** An adapter whose only module is of a kind that nobody knows, as if it had been added to the type and nowhere else. */
async function unheardOf(): Promise<Adapter> {
  const adapter = await openPico("mine", randomAdapter(1, { modules: { [NAME]: { in: 3, out: 4 } } }));
  const kind = "hologram" as ModuleKind;
  return { ...adapter, modules: new Map(Array.from(adapter.modules, ([name, module]) => [name, { ...module, kind }])) };
}

describe("a kind of module that nobody has heard of", () => {
  it.each(WRITERS.map(({ id, title }) => [id, title] as const))(
    "is refused by the writer of %s files",
    async (id, title) => {
      const adapter = await unheardOf();
      const convert = () => WRITERS.find((writer) => writer.id === id)!.convert(adapter, BASE);
      expect(convert).toThrow(RefusedError);
      expect(convert).toThrow(`mine: ${NAME} is of kind "hologram", which ${title} files cannot hold`);
    },
  );

  it("is refused by merges", async () => {
    const adapter = await unheardOf();
    expect(() => makePlan([adapter], {})).toThrow(`mine: ${NAME} is of kind "hologram", which a merge cannot hold`);
  });

  it("is refused by fuse", async () => {
    const adapter = await unheardOf();
    const base = await openPicoModel({
      [`${NAME}.weight`]: [
        [1, 2, 3],
        [1, 2, 3],
        [1, 2, 3],
        [1, 2, 3],
      ],
    });
    expect(() => planFusion(base, [adapter], {})).toThrow(
      `mine: ${NAME} is of kind "hologram", which a fused model cannot hold`,
    );
  });

  it("is refused by whatever reads units, lays factors out or names them", async () => {
    const adapter = await unheardOf();
    const module = adapter.modules.get(NAME)!;
    const part = { input: 0, name: "mine", weight: 1, module, files: adapter.files, scale: 1 };
    for (const use of [
      () => new UnitReader(wasmKernels(), [part], null),
      () => factorShapes(module),
      () => peftKey(module, "A"),
    ]) {
      expect(use).toThrow(RefusedError);
      expect(use).toThrow(/of kind "hologram"/);
    }
  });

  it.each(["constructor", "__proto__", "toString"])("may be called %s", async (kind) => {
    const adapter = await unheardOf();
    const modules = new Map([[NAME, { ...adapter.modules.get(NAME)!, kind: kind as ModuleKind }]]);
    expect(() => makePlan([{ ...adapter, modules }], {})).toThrow(`is of kind "${kind}"`);
  });
});

it("a kind that is known and not accepted is refused, and all others pass", () => {
  const kinds = { linear: true, embedding: true, conv: false };
  const modules = [
    { name: "q", kind: "linear" },
    { name: "wte", kind: "embedding" },
  ] as const;
  expect(() => refuseKinds("mine", modules, kinds, "this file")).not.toThrow();
  expect(() => refuseKinds("mine", [...modules, { name: "c", kind: "conv" }], kinds, "this file")).toThrow(
    /^mine: c is .*conv.*, which this file cannot hold; leave it out with lora-lego merge --exclude c\.$/,
  );
});

import { describe, expect, it } from "vitest";
import type { AdapterModule } from "../../src/adapter/adapter.ts";
import { misfits } from "../../src/adapter/base-sizes.ts";

type Sized = Pick<AdapterModule, "name" | "kind" | "in" | "out">;
const linear = (name: string, inputs: number, out: number): Sized => ({ name, kind: "linear", in: inputs, out });
const CONFIG = { layers: 4, hiddenSize: 8, vocabSize: 100 };
const found = (modules: readonly Sized[], config: Partial<typeof CONFIG> | Record<string, null> = {}): string[] =>
  misfits(modules as readonly AdapterModule[], "BASE", { ...CONFIG, ...config });

const layer = (i: number, name: string): string => `model.layers.${i}.${name}`;

describe("an adapter beside a base's config", () => {
  it("fits by its layers, the widths that read and write the hidden size, and its vocabulary", () => {
    const reads = ["q_proj", "k_proj", "v_proj", "qkv_proj", "gate_proj", "up_proj", "gate_up_proj", "w1", "w3"];
    const writes = ["o_proj", "down_proj", "w2"];
    const fitting = [
      ...reads.map((name) => linear(layer(3, `part.${name}`), 8, 5)),
      ...writes.map((name) => linear(layer(0, `part.${name}`), 5, 8)),
      linear(layer(1, "part.other"), 5, 5),
      // Outside of the layers, where widths are a module's own.
      linear("q_proj", 5, 5),
      linear("pooler.o_proj", 5, 5),
      linear("lm_head", 8, 100),
      { name: "model.embed_tokens", kind: "embedding", in: 100, out: 8 } as const,
      { name: "transformer.wpe", kind: "embedding", in: 512, out: 8 } as const,
    ];
    expect(found(fitting)).toEqual([]);
    for (const name of reads) {
      expect(found([linear(layer(0, `part.${name}`), 9, 8)])).toEqual([
        `${layer(0, `part.${name}`)} has width 9, but BASE has hidden size 8; pass the base that it was trained on.`,
      ]);
    }
    for (const name of writes) {
      expect(found([linear(layer(0, `part.${name}`), 8, 9)])[0]).toContain("has width 9, but BASE has hidden size 8");
    }
  });

  it("does not fit with a layer beyond the last, in any naming of layers", () => {
    for (const name of [layer(4, "x"), "transformer.h.4.x", "blk.4.x", "layers.4.x"]) {
      expect(found([linear(name.replace("4", "3"), 1, 1), linear(name, 1, 1)])).toEqual([
        `${name} is in layer 4, but BASE has 4 layers (counted from 0); pass the base that it was trained on.`,
      ]);
    }
  });

  it("does not fit with another vocabulary, in its embedding or its head", () => {
    const head = linear("lm_head", 8, 99);
    const embedding = { name: "model.embed_tokens", kind: "embedding", in: 101, out: 8 } as const;
    expect(found([head])[0]).toContain("lm_head has 99 tokens, but BASE has vocab_size 100; resize the base's");
    expect(found([embedding])[0]).toContain("model.embed_tokens has 101 tokens, but BASE");
  });

  it("is told each kind of misfit by its first module", () => {
    const odd = [linear(layer(5, "q_proj"), 9, 9), linear(layer(6, "q_proj"), 10, 9), linear("lm_head", 8, 1)];
    expect(found(odd).map((text) => text.slice(0, text.indexOf(",")))).toEqual([
      "model.layers.5.q_proj is in layer 5",
      "model.layers.5.q_proj has width 9",
      "lm_head has 1 tokens",
    ]);
  });

  it("is not measured by what the config does not say, nor in parts for images and sound", () => {
    const odd = [linear(layer(5, "q_proj"), 9, 9), linear("lm_head", 8, 1)];
    expect(found(odd, { layers: null, hiddenSize: null, vocabSize: null })).toEqual([]);
    for (const part of ["visual", "vision_tower", "audio", "image_encoder", "connector", "mm_projector"]) {
      expect(found([linear(`${part}.layers.7.q_proj`, 9, 9), linear(`model.${part}.layers.7.q_proj`, 9, 9)])).toEqual(
        [],
      );
    }
  });
});

import { describe, expect, it } from "vitest";
import { isDora, withoutMagnitudes } from "../../src/adapter/dora.ts";
import { factorsAlone } from "../../src/adapter/factors-alone.ts";
import { storedTensors } from "../../src/adapter/stored-tensors.ts";
import { openLycoris } from "../support/lycoris.ts";
import { filled, keyOf, linear, openPeft } from "../support/memory-folder.ts";

const HEAD = filled("base_model.model.classifier.weight", [2, 4]);
const MAGNITUDE = filled(keyOf("q", "lora_magnitude_vector"), [4]);
const BIAS = filled(keyOf("q", "lora_B.bias"), [4]);
const TOKENS = filled(keyOf("embed", "token_adapter.trainable_tokens_delta"), [1, 3]);
const whole = () =>
  openPeft([...linear("q"), HEAD, MAGNITUDE, BIAS, TOKENS], { trainable_token_indices: { embed: [0] } });
const ids = ({ variants }: Pick<Awaited<ReturnType<typeof whole>>, "variants">) => variants.map(({ id }) => id).sort();

describe("an adapter of magnitudes, biases, token rows and a head", () => {
  it("without magnitudes keeps all else, and says what became of them", async () => {
    const adapter = await whole();
    expect(ids(adapter)).toEqual(["dora", "lora_bias", "token_indices"]);
    expect(isDora(adapter)).toBe(true);
    const notice = { id: "dora-dropped", text: "it is without magnitudes." } as const;
    const first = { id: "bare-names", text: "first" } as const;
    const plain = withoutMagnitudes({ ...adapter, notices: [first] }, notice);
    expect(plain).toEqual({ ...adapter, magnitudes: new Map(), variants: plain.variants, notices: [first, notice] });
    expect(ids(plain)).toEqual(["lora_bias", "token_indices"]);
    expect(isDora(plain)).toBe(false);
  });

  it("has its factors and magnitudes alone without the rest", async () => {
    const adapter = await whole();
    const alone = factorsAlone(adapter);
    expect(ids(alone)).toEqual(["dora"]);
    expect([alone.extras.size, alone.tokenRows.size, alone.magnitudes.size]).toEqual([0, 0, 1]);
    const { bias, ...module } = adapter.modules.get("q")!;
    expect(bias!.name).toBe(BIAS.name);
    expect([...alone.modules.values()]).toEqual([module]);
  });
});

describe("the tensors that hold an adapter's values", () => {
  const names = (adapter: Parameters<typeof storedTensors>[0]) => storedTensors(adapter).map(({ name }) => name);

  it("are its factors and all that is beside them", async () => {
    const expected = [...linear("q"), HEAD, MAGNITUDE, BIAS, TOKENS].map(({ name }) => name);
    expect(names(await whole()).sort()).toEqual(expected.sort());
  });

  it("are those that factors are computed from, each once", async () => {
    const lokr = await openLycoris({ lokr_w1: [[1, 2]], lokr_w2_a: [[3], [4]], lokr_w2_b: [[5, 6, 7]] });
    expect(names(lokr).sort()).toEqual(["lokr_w1", "lokr_w2_a", "lokr_w2_b"].map((part) => `lora_unet_x.${part}`));
  });
});

it("the base's own tensors are no part of an adapter, and its embedding is found by its module", async () => {
  const copy = filled(keyOf("embed", "token_adapter.base_layer.weight"), [10, 3]);
  const norm = filled(keyOf("norm", "base_layer.bias"), [3]);
  const { baseCopies, ignored, extras } = await openPeft([...linear("q"), copy, norm]);
  expect(Array.from(baseCopies, ([module, { name }]) => [module, name])).toEqual([["embed", copy.name]]);
  expect([[...ignored].sort(), extras.size]).toEqual([[copy.name, norm.name].sort(), 0]);
});

import { describe, expect, it } from "vitest";
import type { Adapter } from "../../../src/adapter/adapter.ts";
import { underOneStack } from "../../../src/adapter/weights/under-one-stack.ts";
import { flatFactors, moduleDelta } from "../../support/experts.ts";
import { openPico, type PicoModule } from "../../support/pico.ts";

const LAYER = "model.layers.0.mlp";
const GATE_UP = "gate_up_proj";
/** Rank 1: 2 -> 1, with delta (b, 2 b). */
const linear = (b: number): PicoModule => ({ A: [[1, 2]], B: [[b]] });
const single = (modules: Readonly<Record<string, PicoModule>>, layer = LAYER): Promise<Adapter> =>
  openPico("single", {
    modules: Object.fromEntries(Object.entries(modules).map(([name, own]) => [`${layer}.experts.${name}`, own])),
  });
/** A parameter of two experts. */
const parameter = (name: string, layer = `${LAYER}.experts`): Promise<Adapter> =>
  openPico("whole", {
    modules: {
      [layer]: flatFactors([
        { A: [[1, 2]], B: [[1], [1]] },
        { A: [[1, 2]], B: [[1], [1]] },
      ]),
    },
    config: { r: 1, lora_alpha: 1, target_parameters: [`${layer}.${name}`] },
  });
/** The delta of a module, row after row. */
const deltaOf = async (adapter: Adapter, name: string) => [...(await moduleDelta(adapter, adapter.modules.get(name)!))];
const namesOf = (adapter: Adapter) => [...adapter.modules.keys()].sort();

describe("single experts beside a parameter of all that holds gate and up", () => {
  it("have gate and up as rows of one module, gate first, with the same deltas", async () => {
    const own = await single({ "0.gate_proj": linear(3), "0.up_proj": linear(5), "1.down_proj": linear(7) });
    const [stacked, whole] = underOneStack([own, await parameter(GATE_UP)], [true, true]) as [Adapter, Adapter];
    expect(namesOf(stacked)).toEqual([`${LAYER}.experts.0.${GATE_UP}`, `${LAYER}.experts.1.down_proj`]);
    const gateUp = stacked.modules.get(`${LAYER}.experts.0.${GATE_UP}`)!;
    expect(gateUp).toMatchObject({ in: 2, out: 2, rank: 2, parameter: { name: GATE_UP, experts: 2 } });
    expect(await deltaOf(stacked, gateUp.name)).toEqual([3, 6, 5, 10]);
    const down = stacked.modules.get(`${LAYER}.experts.1.down_proj`)!;
    expect(down.parameter).toEqual({ name: "down_proj", experts: 2 });
    expect(await deltaOf(stacked, down.name)).toEqual([7, 14]);
    expect(stacked.targetModules).toBeNull();
    expect(namesOf(whole)).toEqual([0, 1].map((e) => `${LAYER}.experts.${e}.${GATE_UP}`));
  });

  it("have zeros where gate or up alone is adapted", async () => {
    const own = await single({ "0.up_proj": linear(5), "1.gate_proj": linear(3) });
    const [stacked] = underOneStack([own, await parameter(GATE_UP)], [true, true]) as [Adapter];
    expect(await deltaOf(stacked, `${LAYER}.experts.0.${GATE_UP}`)).toEqual([0, 0, 5, 10]);
    expect(await deltaOf(stacked, `${LAYER}.experts.1.${GATE_UP}`)).toEqual([3, 6, 0, 0]);
  });

  it("stay as they are where no adapter that counts has such a parameter", async () => {
    const own = await single({ "0.gate_proj": linear(3), "0.down_proj": linear(7) });
    const fused = await single({ [`0.${GATE_UP}`]: linear(1) });
    const whole = await parameter(GATE_UP);
    const router = await parameter("weight", `${LAYER}.gate`);
    for (const [others, counts] of [
      [[whole], [true, false]],
      [[await parameter("down_proj")], [true, true]],
      [[router], [true, true]],
      // Gate and up of one expert, as a module of its own.
      [[fused], [true, true]],
    ] as const) {
      const given = [own, ...others];
      expect(underOneStack(given, counts)).toBe(given);
    }
    const [followed] = underOneStack([own, whole], [false, true]) as [Adapter];
    expect(namesOf(followed)).toContain(`${LAYER}.experts.0.${GATE_UP}`);
  });

  it("leave modules alone that are no projection of an expert, or parts of other parameters", async () => {
    const modules = { "0.down_proj": linear(7), "0.bridge": linear(1), [`0.${GATE_UP}`]: linear(1) };
    const singles = await single(modules);
    const others = await parameter("w1", "model.layers.1.ffn.experts");
    const own = { ...singles, modules: new Map([...singles.modules, ...others.modules]) };
    const [stacked] = underOneStack([own, await parameter(GATE_UP)], [true, true]) as [Adapter];
    for (const name of [`${LAYER}.experts.0.bridge`, ...others.modules.keys()]) {
      expect(stacked.modules.get(name)).toEqual(own.modules.get(name));
    }
    // One expert's gate and up in one matrix is the parameter's part as it stands.
    const whole = `${LAYER}.experts.0.${GATE_UP}`;
    expect(stacked.modules.get(whole)).toEqual({
      ...own.modules.get(whole),
      parameter: { name: GATE_UP, experts: 2 },
    });
  });

  it("have rows of gate and up in turn where any adapter's base is known to have them so", async () => {
    const two = await single({
      "0.gate_proj": { A: [[1, 2]], B: [[3], [4]] },
      "0.up_proj": { A: [[1, 2]], B: [[5], [6]] },
    });
    const whole = await parameter(GATE_UP);
    const rows = async (first: Adapter, other: Adapter, counts = [true, true]) =>
      deltaOf(underOneStack([first, other], counts)[0]!, `${LAYER}.experts.0.${GATE_UP}`);
    const inTurn = [3, 6, 5, 10, 4, 8, 6, 12];
    expect(await rows({ ...two, gateUpInTurn: true }, whole)).toEqual(inTurn);
    expect(await rows(two, { ...whole, gateUpInTurn: true })).toEqual(inTurn);
    // What is known counts more than a name.
    const named = { ...two, baseModel: "me/like-gpt-oss" };
    expect(await rows({ ...named, gateUpInTurn: false }, whole)).toEqual([3, 6, 4, 8, 5, 10, 6, 12]);
    // Those that do not count only follow, and decide where the others say nothing.
    expect(await rows({ ...two, gateUpInTurn: false }, { ...whole, gateUpInTurn: true }, [false, true])).toEqual(
      inTurn,
    );
    expect(await rows({ ...two, gateUpInTurn: true }, { ...whole, gateUpInTurn: false }, [false, true])).toEqual([
      3, 6, 4, 8, 5, 10, 6, 12,
    ]);
    expect(await rows(named, whole, [false, true])).toEqual(inTurn);
    for (const first of [named, { ...two, gateUpInTurn: true }]) {
      await expect(rows(first, { ...whole, gateUpInTurn: false })).rejects.toThrow(
        /^single belongs to a model such as gpt-oss, .* but whole to one that has gate's rows first; merge/,
      );
    }
  });

  it("are refused beyond the experts that the parameter has", async () => {
    const own = await single({ "2.down_proj": linear(7) });
    const whole = await parameter(GATE_UP);
    expect(() => underOneStack([own, whole], [true, true])).toThrow(
      /^single has model\.layers\.0\.mlp\.experts\.2\.down_proj, but whole has 2 experts, so their bases differ/,
    );
  });

  it("have Mixtral's names brought to those of the parameter, old or new", async () => {
    const OLD = "model.layers.0.block_sparse_moe";
    const own = await single({ "0.w1": linear(3), "0.w3": linear(5), "1.w2": linear(7) }, OLD);
    for (const layer of [LAYER, OLD]) {
      const [stacked] = underOneStack([own, await parameter(GATE_UP, `${layer}.experts`)], [true, true]) as [Adapter];
      expect(namesOf(stacked)).toEqual([`${layer}.experts.0.${GATE_UP}`, `${layer}.experts.1.down_proj`]);
    }
  });
});

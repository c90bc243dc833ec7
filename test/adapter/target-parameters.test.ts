import { describe, expect, it } from "vitest";
import { linear, openPeft, rejection } from "../support/memory-folder.ts";

/** The modules of an adapter of r 2, and how many tensors are factors of parameters. */
async function found(tensors: Parameters<typeof openPeft>[0], targetParameters: readonly string[] = []) {
  const { modules, others } = await openPeft(tensors, { target_parameters: targetParameters });
  return [[...modules.keys()], others.size];
}

describe("factors of a layer's parameter", () => {
  it("are those on the layer that the config names before the parameter", async () => {
    const tensors = [...linear("layers.0.gate"), ...linear("layers.0.my_gate"), ...linear("gate.q")];
    expect(await found(tensors, ["gate.weight"])).toEqual([["gate.q", "layers.0.my_gate"], 2]);
    expect(await found(tensors, ["layers.0.gate.up.weight"])).toEqual([
      ["gate.q", "layers.0.gate", "layers.0.my_gate"],
      0,
    ]);
    // A parameter without a layer says nothing of one.
    expect(await found(linear("layers.0.weigh"), ["weight", ".weight"])).toEqual([["layers.0.weigh"], 0]);
  });

  it("are those nested in others, whatever their rank", async () => {
    expect(await found([...linear("gate.base_layer"), ...linear("q")])).toEqual([["q"], 2]);
  });

  it("are those of experts whose rank is a multiple of the config's", async () => {
    expect(await found([...linear("mlp.experts", 4), ...linear("q")])).toEqual([["q"], 2]);
    expect(await found([...linear("mlp.experts", 2), ...linear("q")])).toEqual([["mlp.experts", "q"], 0]);
    expect((await rejection(found(linear("mlp.experts", 3)))).message).toMatch(
      /^adapter: the config gives mlp\.experts rank 2, but its tensor .* has shape \(3, 3\);/,
    );
  });
});

describe("the family of a PEFT folder", () => {
  const attention = (out: number, ...names: string[]) => names.flatMap((name) => linear(name, 2, 4, out));

  it("is that of names as merges write them, and open where PEFT has its own", async () => {
    const [own, other] = [
      "diffusion_model.single_blocks.0.linear2",
      "transformer.single_transformer_blocks.1.proj_out",
    ];
    expect((await openPeft(attention(4, own))).families).toContain("flux1");
    expect((await openPeft(attention(4, own, other))).families).toEqual([]);
  });
});

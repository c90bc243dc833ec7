import { describe, expect, it } from "vitest";
import { evenExperts, storedTogether, swappedSizes } from "../../src/adapter/experts.ts";

const module = (name: string, rank: number) => ({ name, rank });

describe("evenExperts", () => {
  it("gives experts and their routers the largest rank among them, and no other module", () => {
    const modules = [
      module("layers.0.mlp.gate", 2),
      module("layers.0.mlp.experts.0.up_proj", 4),
      module("layers.0.mlp.experts.1.up_proj", 3),
      // A gate of a layer without experts, and a wide attention.
      module("layers.1.mlp.gate", 2),
      module("layers.0.attn.q_proj", 16),
    ];
    const { modules: even, rank } = evenExperts(modules);
    expect(rank).toBe(4);
    expect(even.map((own) => own.rank)).toEqual([4, 4, 4, 2, 16]);
    expect(even.map(({ name }) => name)).toEqual(modules.map(({ name }) => name));
  });

  it("changes nothing without experts", () => {
    const modules = [module("layers.1.mlp.gate", 2), module("layers.0.attn.q_proj", 16)];
    expect(evenExperts(modules)).toEqual({ modules, rank: null });
  });
});

describe("storedTogether", () => {
  it("groups the experts of each parameter, and those that are modules of their own with their router", () => {
    const part = (expert: number, name: string) => {
      return { name: `l.0.experts.${expert}.${name}`, parameter: { name, experts: 2 } };
    };
    const modules = [
      part(0, "down_proj"),
      part(1, "down_proj"),
      part(0, "gate_up_proj"),
      { name: "l.1.experts.0.w2" },
      { name: "l.1.gate" },
      { name: "l.1.q_proj" },
    ];
    expect(modules.map(storedTogether(modules))).toEqual([
      "l.0.experts.down_proj",
      "l.0.experts.down_proj",
      "l.0.experts.gate_up_proj",
      "experts",
      "experts",
      null,
    ]);
  });
});

describe("swappedSizes", () => {
  const experts = (inputs: number, out: number, downInputs: number, downOut: number) => [
    { name: "l.experts.0.gate_up_proj", in: inputs, out },
    { name: "l.experts.0.down_proj", in: downInputs, out: downOut },
  ];

  it("is silent where down takes half of what gate and up give, and gives back what they take", () => {
    expect(swappedSizes(experts(3, 10, 5, 3))).toBeNull();
    expect(swappedSizes(experts(10, 3, 5, 3).slice(0, 1))).toBeNull();
  });

  it.each([
    ["both are the other way round", 10, 3, 3, 5],
    ["down gives another size than they take", 4, 10, 5, 3],
    ["down takes another size than they give", 3, 9, 5, 3],
  ])("names the two where %s", (_, inputs, out, downInputs, downOut) => {
    expect(swappedSizes(experts(inputs, out, downInputs, downOut))).toContain(
      `l.experts.0.gate_up_proj is ${inputs} -> ${out} and l.experts.0.down_proj is ${downInputs} -> ${downOut}, which do not`,
    );
  });
});

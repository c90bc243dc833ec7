import { describe, expect, it } from "vitest";
import type { Adapter } from "../../../src/adapter/adapter.ts";
import { FormatError } from "../../../src/core/errors.ts";
import { filled, rejection } from "../../support/memory-folder.ts";
import { openFile } from "../../support/open-file.ts";

/** The shapes of one module's tensors, by what stands behind its name. */
type Shapes = Readonly<Record<string, readonly number[]>>;

function open(shapes: Shapes): Promise<Adapter> {
  const data = Object.entries(shapes).map(([part, shape]) => filled(`lora_unet_x.${part}`, shape));
  return openFile(data);
}

async function refusal(shapes: Shapes): Promise<string> {
  const error = await rejection(open(shapes));
  expect(error).toBeInstanceOf(FormatError);
  return error.message;
}

const shown = (shapes: Shapes): string =>
  Object.entries(shapes)
    .map(([part, shape]) => `${part} (${shape.join(", ")})`)
    .join(", ");
const misfit = (shapes: Shapes): string =>
  `it: the tensors of lora_unet_x do not fit each other (${shown(shapes)}); expected those of one module (docs/formats/lycoris.md, docs/formats/peft-methods.md), so save the adapter again.`;
const lacking = (shapes: Shapes, part: string): string =>
  `it: lora_unet_x has ${Object.keys(shapes).join(", ")} but no ${part}; the file is incomplete, save or copy it again.`;

describe("a LoCon of three factors", () => {
  const FITTING = { down: [2, 3, 1, 1], mid: [4, 2, 3, 3], up: [5, 4, 1, 1] };
  const named = ({ down, mid, up }: typeof FITTING): Shapes => ({
    "lora_down.weight": down,
    "lora_mid.weight": mid,
    "lora_up.weight": up,
  });

  it.each([
    ["with pixels as kernels of down and up", FITTING],
    ["with down and up as matrices", { ...FITTING, down: [2, 3], up: [5, 4] }],
  ])("is read %s", async (_, shapes) => {
    const [module] = (await open(named(shapes))).modules.values();
    expect(module).toMatchObject({ kind: "conv", in: 27, out: 5, rank: 4, inputShape: [3, 3, 3] });
  });

  it.each([
    ["mid has no kernel", { mid: [4, 2] }],
    ["down has no inputs", { down: [2] }],
    ["down has a kernel of its own", { down: [2, 3, 3, 1] }],
    ["up has a kernel of its own", { up: [5, 4, 1, 3] }],
    ["down and mid differ in their inner size", { down: [3, 3, 1, 1] }],
    ["up and mid differ in rank", { up: [5, 3, 1, 1] }],
    ["down is empty", { down: [2, 0, 1, 1] }],
    ["mid is empty", { mid: [4, 2, 0, 3] }],
    ["up is empty", { up: [0, 4, 1, 1] }],
  ])("is refused where %s", async (_, odd) => {
    const shapes = { ...FITTING, ...odd };
    const [down, mid, up] = [shapes.down, shapes.mid, shapes.up].map((shape) => shape.join(", "));
    expect(await refusal(named(shapes))).toBe(
      `it: the factors of lora_unet_x do not fit each other (lora_down (${down}), lora_mid (${mid}), lora_up (${up})); expected (q, in), (r, q, kernel...) and (out, r); save the adapter again.`,
    );
  });

  it("is refused where only the middle is there", async () => {
    const pair = { "lora_down.weight": [2, 3], "lora_up.weight": [5, 2] };
    const data = Object.entries(pair).map(([part, shape]) => filled(`lora_unet_y.${part}`, shape));
    const lone = filled("lora_unet_x.lora_mid.weight", [4, 2, 3, 3]);
    expect((await rejection(openFile([...data, lone]))).message).toBe(
      "it: lora_unet_x.lora_mid.weight is the middle of three factors, but the file holds no lora_down and lora_up for it; save or copy it again.",
    );
  });
});

describe("a LoHa", () => {
  const PLAIN = { hada_w1_a: [4, 2], hada_w1_b: [2, 3], hada_w2_a: [4, 2], hada_w2_b: [2, 3] };
  const TUCKER = {
    hada_t1: [2, 2, 2, 3],
    hada_t2: [2, 2, 2, 3],
    hada_w1_a: [2, 4],
    hada_w1_b: [2, 3],
    hada_w2_a: [2, 4],
    hada_w2_b: [2, 3],
  };

  it.each([
    ["its products differ in rows", { ...PLAIN, hada_w2_a: [5, 2] }],
    ["its products differ in columns", { ...PLAIN, hada_w2_b: [2, 4] }],
    ["its kernels differ, though not in size", { ...TUCKER, hada_t2: [2, 2, 3, 2] }],
    ["a tensor is empty", { ...PLAIN, hada_w1_b: [2, 0], hada_w2_b: [2, 0] }],
  ])("is refused where %s", async (_, shapes) => {
    expect(await refusal(shapes)).toBe(misfit(shapes));
  });

  it.each(["hada_w1_a", "hada_w1_b", "hada_w2_a", "hada_w2_b"] as const)("is refused without %s", async (part) => {
    const { [part]: _, ...shapes } = PLAIN;
    expect(await refusal(shapes)).toBe(lacking(shapes, part));
  });

  it.each(["hada_t1", "hada_t2"] as const)(
    "is refused where one product has a core and %s is missing",
    async (part) => {
      const { [part]: _, ...shapes } = TUCKER;
      expect(await refusal(shapes)).toBe(lacking(shapes, part));
    },
  );
});

describe("a LoKr", () => {
  const FACTORED = { lokr_w1: [2, 2], lokr_w2_a: [4, 2], lokr_w2_b: [2, 3] };
  const TUCKER = { lokr_t2: [5, 2, 3, 3], lokr_w1: [2, 2], lokr_w2_a: [5, 4], lokr_w2_b: [2, 3] };

  it.each([
    ["w1 is a convolution", { lokr_w1: [2, 2, 3, 3], lokr_w2: [2, 2] }],
    ["a whole side has no columns", { lokr_w1: [4], lokr_w2: [2, 2] }],
    ["a whole side is empty", { lokr_w1: [2, 2], lokr_w2: [2, 0] }],
    ["the first factor has a kernel", { ...FACTORED, lokr_w2_a: [4, 2, 1] }],
    ["the second factor has a kernel", { ...FACTORED, lokr_w2_b: [2, 3, 1] }],
    ["the factors differ in their inner size", { ...FACTORED, lokr_w2_a: [4, 3] }],
    ["the core has no kernel", { ...TUCKER, lokr_t2: [5, 2] }],
    ["the core does not fit the outputs", { ...TUCKER, lokr_t2: [6, 2, 3, 3] }],
    ["the core does not fit the inputs", { ...TUCKER, lokr_t2: [5, 3, 3, 3] }],
  ])("is refused where %s", async (_, shapes) => {
    expect(await refusal(shapes)).toBe(misfit(shapes));
  });

  it("is refused where a side is missing", async () => {
    expect(await refusal({ lokr_w1: [2, 2] })).toBe(lacking({ lokr_w1: [2, 2] }, "lokr_w2"));
  });

  it.each(["lokr_w2_a", "lokr_w2_b", "lokr_t2"])("is refused where a side is whole and has %s", async (part) => {
    expect(await refusal({ lokr_w1: [2, 2], lokr_w2: [4, 3], [part]: [4, 2] })).toBe(
      `it: lora_unet_x.lokr_w2 and lora_unet_x.${part} both belong to one side of lora_unet_x; remove the one that does not belong to the adapter.`,
    );
  });

  it("is refused beside a LoHa of the same module", async () => {
    expect(await refusal({ hada_w1_a: [4, 2], lokr_w1: [2, 2] })).toBe(
      "it: lora_unet_x has tensors of a LoKr and of a LoHa (hada_w1_a, lokr_w1); remove those that do not belong to the adapter.",
    );
  });
});

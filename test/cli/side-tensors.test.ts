import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { encodeSafetensors } from "../../src/formats/safetensors/write.ts";
import { decodeTensors, encodeTensor, type Nested, tempFolder } from "../support/pico.ts";
import { run } from "./run.ts";

const MODULE = "lora_unet_mid_block_attentions_0_proj_in";
const NORM = "lora_unet_mid_block_attentions_0_norm";
let folder = "";

function write(file: string, tensors: Readonly<Record<string, Nested>>): void {
  const data = Object.entries({
    [`${MODULE}.lora_down.weight`]: [[1, 2]],
    [`${MODULE}.lora_up.weight`]: [[1], [0]],
    ...tensors,
  }).map(([key, values]) => encodeTensor(key, values));
  writeFileSync(join(folder, file), encodeSafetensors(data, {}));
}

beforeAll(() => {
  folder = tempFolder();
  write("a.safetensors", { [`${NORM}.w_norm`]: [1, 2], "diffusion_model.x.diff_b": [8] });
  write("b.safetensors", { [`${NORM}.w_norm`]: [3, 6], "diffusion_model.x.diff_b": [4] });
  write("padded.safetensors", { [`${MODULE}.reshape_weight`]: [2, 4] });
});

const beside = (file: string) => {
  const tensors = decodeTensors(new Uint8Array(readFileSync(join(folder, file))));
  return Object.fromEntries(
    [...tensors].flatMap(([key, { values }]) => (/lora_(up|down)|alpha/.test(key) ? [] : [[key, [...values]]])),
  );
};
const merge = (out: string, extras: string) =>
  run(
    [
      "merge",
      "a.safetensors",
      "b.safetensors",
      "--weights",
      "1,3",
      "--method",
      "linear",
      "--extras",
      extras,
      "--out",
      out,
    ],
    {
      cwd: folder,
    },
  );

describe.concurrent("differences of norms and biases in kohya's files", () => {
  it.each([
    ["average", { [`${NORM}.w_norm`]: [2.5, 5], "diffusion_model.x.diff_b": [5] }],
    ["first", { [`${NORM}.w_norm`]: [1, 2], "diffusion_model.x.diff_b": [8] }],
    ["drop", {}],
  ])("are written by a merge as --extras %s says", async (extras, expected) => {
    const { code, stderr } = await merge(`${extras}.safetensors`, extras);
    expect(code).toBe(0);
    expect(/2 tensors that are not LoRA factors are left out/.test(stderr)).toBe(extras === "drop");
    expect(beside(`${extras}.safetensors`)).toEqual(expected);
  });

  it("are refused by a merge that does not say", async () => {
    const { code, stderr } = await merge("error.safetensors", "error");
    expect([code, stderr]).toEqual([
      1,
      expect.stringMatching(/hold 2 tensors .*choose --extras drop, first or average/),
    ]);
  });

  it("stay when one file is resized or converted, and are refused where diffusers would not read them", async () => {
    expect(
      (await run(["resize", "a.safetensors", "--rank", "1", "--out", "r.safetensors"], { cwd: folder })).code,
    ).toBe(0);
    expect(beside("r.safetensors")).toEqual({ [`${NORM}.w_norm`]: [1, 2], "diffusion_model.x.diff_b": [8] });
    const { code, stderr } = await run(["convert", "a.safetensors", "--to", "diffusers", "--out", "d"], {
      cwd: folder,
    });
    expect([code, stderr]).toEqual([1, expect.stringMatching(/2 tensors besides its factors .*--extras drop/)]);
    const padded = await run(["convert", "padded.safetensors", "--to", "kohya", "--out", "p.safetensors"], {
      cwd: folder,
    });
    expect([padded.code, padded.stderr]).toEqual([
      1,
      expect.stringMatching(/reshape_weight\), which kohya files cannot/),
    ]);
  });
});

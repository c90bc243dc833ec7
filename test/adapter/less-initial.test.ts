import { describe, expect, it } from "vitest";
import type { Adapter } from "../../src/adapter/adapter.ts";
import { lessInitial } from "../../src/adapter/less-initial.ts";
import { swappedHalves } from "../../src/adapter/weights/cut.ts";
import { openLycoris } from "../support/lycoris.ts";
import { openPico } from "../support/pico.ts";

const open = (name: string, B: readonly (readonly number[])[]): Promise<Adapter> =>
  openPico(name, { modules: { q: { A: [[1, 2]], B } } });

describe("an adapter less its initialisation", () => {
  it("takes initial factors that are made of pieces from the initial file", async () => {
    const [trained, init] = [await open("trained", [[1], [0]]), await open("init", [[3], [5]])];
    const module = init.modules.get("q")!;
    const turned = { ...init, modules: new Map([["q", { ...module, b: swappedHalves(module.b) }]]) };
    const plain = lessInitial(trained, turned);
    expect(plain.variants).toEqual([]);
    expect(plain.files).toEqual([...trained.files, ...init.files]);
    // B of the trained file, and beside it the second and then the first row of the initial one, negative.
    const factor = (file: number, shape: readonly number[]) => ({ file, shape });
    expect(plain.modules.get("q")!.b).toMatchObject({
      rank: 2,
      size: 2,
      pieces: [
        { factor: factor(0, [2, 1]), unit: 0, entry: 0, times: 1 },
        { factor: { file: 1 }, unit: 1, entry: 0, times: -1 },
        { factor: { file: 1 }, unit: 1, entry: 1, times: -1 },
      ],
    });
  });

  it("begins from no factors that are computed, and from none of another size", async () => {
    const lokr = await openLycoris({ lokr_w1: [[1, 2]], lokr_w2: [[3], [4]] });
    expect(() => lessInitial(lokr, lokr)).toThrow(/^it is no LoRA of plain factors \(tensor lora_unet_x\.lokr_w1\)/);
    const [trained, init] = [await open("trained", [[1], [0]]), await open("init", [[3], [5], [0]])];
    expect(() => lessInitial(trained, init)).toThrow(
      /^q has a delta of \(2, 2\) \(linear\), rank 1 and scale 1 in trained, but a delta of \(3, 2\) \(linear\),/,
    );
  });
});

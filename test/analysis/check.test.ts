import { describe, expect, it } from "vitest";
import type { Adapter } from "../../src/adapter/adapter.ts";
import { type ConsumerId, consumerById } from "../../src/adapter/consumers.ts";
import { checkAdapter } from "../../src/analysis/check.ts";
import { UsageError } from "../../src/core/errors.ts";
import { openPico, type RandomShape, randomAdapter } from "../support/pico.ts";

const layer = (i: number, name = "q_proj"): string => `model.layers.${i}.self_attn.${name}`;
const SIZE = { in: 4, out: 4 };

const adapterOf = (shape: RandomShape): Promise<Adapter> => openPico("mine", randomAdapter(1, shape));

const plain = (rank: number, more: Partial<RandomShape> = {}): Promise<Adapter> =>
  adapterOf({ rank, modules: { [layer(0)]: SIZE, [layer(1)]: SIZE }, ...more });

/** Level and text of every finding. */
function found(adapter: Adapter, consumer: ConsumerId): [string, string][] {
  return checkAdapter(adapter, consumerById(consumer)).map(({ level, text }) => [level, text]);
}

describe("check", () => {
  it("finds nothing in the way of a plain PEFT adapter of a padded rank", async () => {
    const adapter = await plain(8);
    for (const consumer of ["peft", "tgi"] as const) expect(found(adapter, consumer)).toEqual([]);
    expect(found(adapter, "vllm")).toEqual([["note", expect.stringContaining("--max-lora-rank 8 ")]]);
  });

  it.each([
    [1, 1],
    [9, 16],
    [17, 32],
    [300, 320],
  ])("says what vLLM must be started with for rank %s: %s", async (rank, offered) => {
    expect(found(await plain(rank), "vllm")).toEqual([
      ["note", expect.stringContaining(`--max-lora-rank ${offered} `)],
    ]);
  });

  it("finds ranks beyond what a consumer takes", async () => {
    expect(found(await plain(513), "vllm")).toEqual([["fails", expect.stringMatching(/rank 512 at most.*--rank 512/)]]);
    expect(found(await plain(6), "tgi")).toEqual([["differs", expect.stringMatching(/pads rank 6 .*write rank 8 /)]]);
  });

  it("finds patterns where they are not read", async () => {
    const config = { alpha_pattern: { "layers.1.self_attn.q_proj": 4 } };
    const adapter = await plain(8, { config: { r: 8, lora_alpha: 8, ...config } });
    expect(found(adapter, "peft")).toEqual([]);
    expect(found(adapter, "vllm")).toContainEqual([
      "differs",
      expect.stringMatching(
        /one lora_alpha \/ r for all modules \(1\), but .*layers\.1.* has scale 0\.5; .*merge --for vllm/,
      ),
    ]);
  });

  it("takes the stated scale for what readers without patterns apply", async () => {
    // Both modules are named by the pattern, so they agree with each other but not with lora_alpha / r.
    const adapter = await plain(8, { config: { r: 8, lora_alpha: 8, alpha_pattern: { q_proj: 16 } } });
    expect(found(adapter, "vllm")).toContainEqual(["differs", expect.stringContaining("has scale 2")]);
  });

  it("lets ranks differ at one scale in vLLM, but not in TGI", async () => {
    const modules = { [layer(0)]: { ...SIZE, rank: 8 }, [layer(1)]: { ...SIZE, rank: 16 } };
    const patterns = { rank_pattern: { [layer(1)]: 16 }, alpha_pattern: { [layer(1)]: 32 } };
    const adapter = await adapterOf({ modules, config: { r: 8, lora_alpha: 16, ...patterns } });
    expect(found(adapter, "vllm").map(([level]) => level)).toEqual(["note"]);
    expect(found(adapter, "tgi")).toEqual([["differs", expect.stringMatching(/one rank.*has 8 and .* has 16/)]]);
  });

  it("finds layers that TGI wants complete", async () => {
    const adapter = await adapterOf({
      rank: 8,
      modules: { [layer(0)]: SIZE, [layer(3)]: SIZE, [layer(3, "v_proj")]: SIZE },
    });
    expect(found(adapter, "tgi")).toEqual([
      ["differs", expect.stringMatching(/model\.layers\.\*\.self_attn\.q_proj lacks layer 1, 2, and 1 more types/)],
    ]);
  });

  it("finds heads, and kinds of modules that are not adapted", async () => {
    const head = { extras: { "base_model.model.score.weight": [[1]] } };
    expect(found(await plain(8, head), "peft")).toEqual([]);
    expect(found(await plain(8, head), "tgi")).toEqual([
      [
        "fails",
        expect.stringMatching(/there is a tensor beside them \(as .*score\.weight\).*convert --to peft --extras drop/),
      ],
    ]);
    const conv = await adapterOf({ rank: 8, modules: { [layer(0)]: SIZE, "model.conv": { ...SIZE, kind: "conv" } } });
    expect(found(conv, "vllm")).toContainEqual(["fails", expect.stringMatching(/no conv modules.*as model\.conv/)]);
  });

  it("finds the format, and names the one to convert to", async () => {
    const adapter = await plain(8);
    expect(found(adapter, "mlx")).toEqual([["fails", expect.stringMatching(/does not load peft files.*--to mlx/)]]);
    expect(found(adapter, "llamacpp")).toEqual([["fails", expect.stringMatching(/--to gguf/)]]);
  });

  it("says only that an adapter is of another kind of model, where it is", async () => {
    expect(found(await plain(7), "comfyui")).toEqual([
      ["fails", expect.stringMatching(/image models, but model\.layers\.0/)],
    ]);
    const image = await adapterOf({ modules: { "unet.conv_in": { ...SIZE, kind: "conv" } } });
    expect(found(image, "vllm")).toEqual([["fails", expect.stringMatching(/language models, but unet\.conv_in/)]]);
    expect(found(image, "comfyui")).toEqual([["fails", expect.stringMatching(/convert --to kohya/)]]);
  });

  it("names the consumers where one is unknown", () => {
    expect(() => consumerById("ollama")).toThrow(UsageError);
    expect(() => consumerById("ollama")).toThrow(/"ollama".*vllm, llamacpp/);
  });
});

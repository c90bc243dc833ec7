import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { randomAdapter, tempFolder, writeAdapter } from "../support/pico.ts";
import { lines, run } from "./run.ts";

const SIZE = { in: 8, out: 8 };
const HEAD = { "base_model.model.score.weight": [[1]] };
let folder = "";
let base: string[] = [];
const at = (name: string): string => join(folder, name);

beforeAll(() => {
  folder = tempFolder();
  const language = { modules: { "model.layers.0.self_attn.q_proj": SIZE } };
  const image = { modules: { "unet.mid_block.attentions.0.transformer_blocks.0.attn1.to_q": SIZE } };
  for (const [i, name] of ["a", "b"].entries()) writeAdapter(at(name), randomAdapter(i, language));
  for (const [i, name] of ["x", "y"].entries()) writeAdapter(at(name), randomAdapter(i, image));
  writeAdapter(at("headed"), randomAdapter(1, { ...language, extras: HEAD }));
  const config = at("config.json");
  writeFileSync(config, JSON.stringify({ model_type: "llama", num_attention_heads: 2, num_key_value_heads: 2 }));
  base = ["--base-config", config];
  writeFileSync(at("r.yaml"), "adapters: [a, b]\nmethod: lego\nto: gguf\nout: of-recipe.gguf\n");
});

describe.concurrent("the format of an output", () => {
  it.each([
    ["a file's own", ["merge", "x", "y", "--out", "1.safetensors"], /^1\.safetensors \(kohya\): 1 module, rank 2, f32/],
    ["by --to", ["merge", "a", "b", "--to", "mlx", "--out", "2"], /^2 \(mlx\): 1 module/],
    ["by --for", ["merge", "a", "b", "--for", "mlx", "--out", "3"], /^3 \(mlx\): 1 module/],
    ["of resize", ["resize", "x", "--rank", "1", "--out", "4.safetensors"], /^4\.safetensors \(kohya\): .* rank 1/],
    ["of prune", ["prune", "x", "--rank", "1", "--to", "diffusers", "--out", "5"], /^5 \(diffusers\): .* rank 1/],
    ["of convert, by --for", ["convert", "a", "--for", "mlx", "--out", "6"], /^6: 1 module from peft to mlx/],
    ["none but PEFT", ["merge", "a", "b", "--out", "7"], /^7: 1 module/],
  ])("is %s", async (_, args, words) => {
    const { code, stdout } = await run(args, { cwd: folder });
    expect([code, lines(stdout)[0]]).toEqual([0, expect.stringMatching(words)]);
    expect(existsSync(at(args.at(-1)!))).toBe(true);
  });

  it("is the recipe's, and needs what that needs", async () => {
    const lacking = await run(["run", "r.yaml", "--dry-run"], { cwd: folder });
    expect([lacking.code, lines(lacking.stderr)]).toEqual([
      2,
      [expect.stringMatching(/--base-config BASE\/config\.json/)],
    ]);
    // The folder of the base model stands for the config in it.
    const planned = await run(["run", "r.yaml", "--base-config", ".", "--dry-run"], { cwd: folder });
    expect(planned.stdout).toMatch(
      /of-recipe\.gguf would hold 1 module by lego, rank 2, gguf, .*; nothing was written/,
    );
    expect((await run(["run", "r.yaml", ...base], { cwd: folder })).code).toBe(0);
    const again = await run(["run", "r.yaml", ...base, "--dry-run"], { cwd: folder });
    expect([again.code, lines(again.stderr)]).toEqual([1, [expect.stringMatching(/exists; pass --force/)]]);
  });

  it("leaves heads of one adapter to --extras where it holds none", async () => {
    const args = ["resize", "headed", "--rank", "1", ...base, "--out", "headed.gguf"];
    const refused = await run(args, { cwd: folder });
    expect([refused.code, lines(refused.stderr)]).toEqual([1, [expect.stringMatching(/score\.weight.*--extras drop/)]]);
    expect(readdirSync(folder)).not.toContain("headed.gguf");
    expect((await run([...args, "--extras", "drop"], { cwd: folder })).code).toBe(0);
  });
});

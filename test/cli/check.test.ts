import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { CONSUMER_IDS } from "../../src/adapter/consumers.ts";
import { writeModel } from "../support/models.ts";
import { randomAdapter, readMerged, tempFolder, writeAdapter } from "../support/pico.ts";
import { lines, run } from "./run.ts";

const folder = tempFolder();
const good = writeAdapter(join(folder, "good"), randomAdapter(1, { rank: 8 }));
const odd = writeAdapter(join(folder, "odd"), randomAdapter(2, { rank: 3 }));

/** Output whose lines of the page are whole sentences again. */
const unbroken = (text: string): string => text.replaceAll(/\n {4,6}(?! *lora-lego )/g, " ");

/** A base with one of the modules of these adapters. */
const base = writeModel(join(folder, "base"), [{ "model.layers.9.mlp.up_proj.weight": [[1, 2]] }]);
const baseConfig = join(folder, "config.json");
writeFileSync(baseConfig, JSON.stringify({ model_type: "gpt2", architectures: ["GPT2LMHeadModel"] }));

describe("lora-lego check", () => {
  it.concurrent("says that nothing was found and what was not looked at, with status 0", async () => {
    const { code, stdout } = await run(["check", good, "--for", "vllm"]);
    expect(code).toBe(0);
    expect(lines(stdout).filter((line) => line.length > 80)).toEqual([]);
    expect(lines(unbroken(stdout))).toEqual([
      "good: nothing found that keeps vLLM 0.33.0 from loading it as intended",
      expect.stringMatching(/^ {2}note: vLLM takes rank 8 with --max-lora-rank 8 or more; its default, 16, is enough/),
      expect.stringMatching(/^ {2}not looked at: whether the base model has these modules.*--base/),
      expect.stringMatching(/^ {2}not looked at: .*architecture/),
    ]);
  });

  it.concurrent("compares with a base, of which nothing may fit", async () => {
    const { code, stdout } = await run(["check", good, "--for", "peft", "--base", base]);
    expect(code).toBe(1);
    expect(lines(unbroken(stdout))).toEqual([
      "good: not for PEFT 0.21.2 as it is",
      expect.stringMatching(/^ {2}fails: none of its \d+ modules is in base .*bare base/),
    ]);
    const config = await run(["check", good, "--for", "vllm", "--base-config", baseConfig, "--json"]);
    expect(config.code).toBe(1);
    expect(JSON.parse(config.stdout)[0].findings).toContainEqual({
      level: "fails",
      text: expect.stringContaining("takes no LoRA for GPT2LMHeadModel"),
      mend: { fused: true },
    });
    const { stdout: shown } = await run(["check", good, "--for", "vllm", "--base-config", baseConfig]);
    expect(lines(unbroken(shown)).slice(-2)).toEqual([
      `Mend all of it: lora-lego fuse ${good} --base BASE --out ${good}-fused`,
      "BASE stands for the base model's folder: put its path there.",
    ]);
  });

  it.concurrent("tells adapters of one name apart by the folders around them, as merges do", async () => {
    const paths = ["llama", "gpt2"].map((model) => `examples/minibench/${model}/all/cola`);
    const { stdout } = await run(["check", ...paths, "--for", "peft"]);
    expect(stdout).toMatch(/^all\/cola \(1\): .*\n(?:.*\n)*all\/cola \(2\): /m);
  });

  it.concurrent("prints a command that several programs need once, and what BASE stands for", async () => {
    const extras = { "base_model.model.classifier.dense.bias": [1] };
    const own = randomAdapter(2, { rank: 8, modules: { "model.layers.0.mlp.down_proj": { in: 20, out: 30 } } });
    const path = writeAdapter(join(folder, "with-head"), { ...own, extras });
    const { stdout } = await run(["check", path]);
    const command = `      lora-lego convert ${path} --to peft --extras drop --out ${path}-2\n`;
    expect(stdout.split(command)).toHaveLength(2);
    expect(stdout).toMatch(/^ {2}no {2}SGLang (?:.+\n {6})+by the same command as for vLLM$/m);
    expect(lines(stdout).at(-2)).toBe("BASE stands for the base model's folder: put its path there.");
  });

  it.concurrent("names the wrong base first, and in the command at the end", async () => {
    const { code, stdout } = await run(["check", good, "--base", base]);
    expect(code).toBe(1);
    const shown = lines(stdout);
    for (const program of ["vLLM", "llama.cpp", "TGI", "mlx-lm"]) {
      const line = shown.find((each) => each.startsWith(`  no  ${program} `))!;
      expect(line).toMatch(/: none of its \d+ modules is in base /);
    }
    expect(shown.at(-1)).toBe(`All about one of them: lora-lego check ${good} --for vllm --base ${base}`);
  });

  it.concurrent("claims no more than that where all was looked at", async () => {
    const zeros = (rows: number, columns: number): number[][] => Array(rows).fill(Array(columns).fill(0));
    const tensors = { "layers.0.q_proj.weight": zeros(5, 6), "layers.1.q_proj.weight": zeros(7, 4) };
    const whole = writeModel(join(folder, "whole"), [tensors]);
    const { code, stdout } = await run(["check", good, "--for", "peft", "--base", whole]);
    expect([code, lines(stdout)]).toEqual([0, ["good: PEFT 0.21.2 loads it, and it means the same"]]);
  });

  it.concurrent("prints one line per problem for each adapter, with status 1", async () => {
    const { code, stdout } = await run(["check", good, odd, "--for", "tgi"]);
    expect(code).toBe(1);
    expect(lines(unbroken(stdout)).slice(3)).toEqual([
      "odd: not for TGI 3.3 as it is",
      expect.stringMatching(/^ {2}differs: .*write rank 8\.$/),
      expect.stringMatching(/^ {2}not looked at: .*--base/),
      expect.stringMatching(/^ {2}not looked at: whether TGI 3\.3 takes LoRA for the architecture/),
      `Mend all of it: lora-lego merge ${odd} --method cat --for tgi --out ${odd}-2`,
    ]);
    const json = JSON.parse((await run(["check", odd, "--for", "tgi", "--json"])).stdout);
    expect(json).toEqual([
      {
        name: "odd",
        for: "tgi",
        version: "3.3",
        good: false,
        findings: [expect.objectContaining({ level: "differs" })],
        unseen: [expect.stringContaining("--base"), expect.stringContaining("the architecture")],
        undecided: null,
        mended: { command: `lora-lego merge ${odd} --method cat --for tgi --out ${odd}-2`, note: null },
      },
    ]);
  });

  it.concurrent("ends with status 2 where the base cannot be read", async () => {
    const { code, stderr } = await run(["check", good, "--for", "peft", "--base", join(folder, "nowhere")]);
    expect([code, lines(stderr)]).toEqual([2, [expect.stringMatching(/no folder .*nowhere/)]]);
  });

  it.concurrent("gives each program one line where none is named, and the command for more", async () => {
    const { code, stdout } = await run(["check", good]);
    expect(lines(stdout).filter((line) => line.length > 80 && !line.includes("lora-lego "))).toEqual([]);
    const shown = lines(unbroken(stdout));
    expect([code, shown[0]]).toEqual([0, "good:"]);
    expect(shown.slice(1, -1).flatMap((line) => (/^ {2}\S/.test(line) ? line.slice(0, 4) : []))).toEqual(
      CONSUMER_IDS.map((id) => (["vllm", "tgi", "peft"].includes(id) ? "  ok" : "  no")),
    );
    expect(unbroken(stdout)).toMatch(
      /^ {2}no {2}llama\.cpp in node-llama-cpp \S+: does not load peft files; convert it to gguf, .*\n {6}lora-lego convert \S+good --to gguf --base-config BASE\/config\.json --out \S+good\.gguf$/m,
    );
    expect(shown.at(-1)).toBe(`All about one of them: lora-lego check ${good} --for vllm`);
    const json = JSON.parse((await run(["check", good, odd, "--json"])).stdout) as { for: string }[];
    expect(json.map((each) => each.for)).toEqual([...CONSUMER_IDS, ...CONSUMER_IDS]);
  });

  it.concurrent("ends with status 1 where no program takes an adapter", async () => {
    const nan = randomAdapter(3, { rank: 8 });
    const [name] = Object.keys(nan.modules);
    const B = nan.modules[name!]!.B as number[][];
    B[0]![0] = Number.NaN;
    const { code, stdout } = await run(["check", writeAdapter(join(folder, "nan"), nan)]);
    expect(code).toBe(1);
    expect(stdout).not.toMatch(/^ {2}ok/m);
  });

  it.concurrent("is satisfied by what merge --for writes", async () => {
    const out = join(folder, "merged");
    expect((await run(["merge", odd, "--for", "tgi", "--out", out])).code).toBe(0);
    expect(readMerged(out).config.r).toBe(8);
    expect((await run(["check", out, "--for", "tgi"])).code).toBe(0);
  });

  it.concurrent("refuses a consumer that it does not know, and adapters that it cannot read", async () => {
    const unknown = await run(["check", good, "--for", "ollama"]);
    expect([unknown.code, lines(unknown.stderr)]).toEqual([2, [expect.stringMatching(/no consumer "ollama"/)]]);
    const missing = await run(["check", join(folder, "none"), "--for", "peft"]);
    expect(missing.code).toBe(2);
    expect(missing.stderr).toMatch(/no file or folder/);
  });

  it.concurrent("names one command for all of it, which runs and after which nothing is found", async () => {
    const names = ["q", "v"].map((letter) => `model.layers.0.self_attn.${letter}_proj`);
    const sizes = Object.fromEntries(names.map((name) => [name, { in: 20, out: 20 }]));
    const { modules } = randomAdapter(5, { rank: 7, modules: sizes });
    const bias = Object.fromEntries(
      Object.entries(modules).map(([name, { B }]) => [
        `base_model.model.${name}.base_layer.bias`,
        Array((B as []).length).fill(1),
      ]),
    );
    const path = writeAdapter(join(folder, "several"), { modules, extras: bias, config: { bias: "lora_only" } });
    const all = (await run(["check", path])).stdout.matchAll(/^ +lora-lego .* --out (\S+)$/gm);
    const outs = Array.from(all, ([, out]) => out);
    expect([outs.length > 1, new Set(outs).size]).toEqual([true, outs.length]);
    for (const id of ["vllm", "sglang", "tgi", "mlx"]) {
      const [{ mended }] = JSON.parse((await run(["check", path, "--for", id, "--json"])).stdout);
      const ended = await run(mended.command.split(" ").slice(1));
      expect([id, ended.stderr, ended.code]).toEqual([id, expect.not.stringContaining("error"), 0]);
      const out = mended.command.split(" ").at(-1);
      expect((await run(["check", out, "--for", id])).code).toBe(0);
    }
    // A name that another program's command took is not named again.
    expect(lines((await run(["check", path, "--for", "tgi"])).stdout).at(-1)).toMatch(/ --out \S+several-6$/);
  });

  it.concurrent("says of an encoder that nothing is known without its base, as the end of a merge does", async () => {
    const name = "roberta.encoder.layer.0.attention.self.query";
    const [one, other] = [1, 2].map((seed) =>
      writeAdapter(
        join(folder, `encoder-${seed}`),
        randomAdapter(seed, { rank: 8, modules: { [name]: { in: 20, out: 20 } } }),
      ),
    ) as [string, string];
    const { code, stdout } = await run(["check", one]);
    expect([code, unbroken(stdout)]).toEqual([
      0,
      expect.stringMatching(/^ {2}\? {3}vLLM \S+: not known: whether vLLM .* an encoder, /m),
    ]);
    expect(stdout).toContain(`All about one of them: lora-lego check ${one} --for peft`);
    const merged = await run(["merge", one, other, "--out", join(folder, "encoders")]);
    expect(merged.stdout.replaceAll(/\s+/g, " ")).toMatch(
      /Whether vLLM, SGLang, TGI take LoRA for an encoder, the base model's config tells: lora-lego check \S+encoders --base-config BASE\/config\.json\s/,
    );
  });
});

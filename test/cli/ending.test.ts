import { existsSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { checkAdapter } from "../../src/node/check-adapter.ts";
import { randomAdapter, tempFolder, writeAdapter } from "../support/pico.ts";
import { run } from "./run.ts";

const ADAPTERS = resolve("examples/minibench/llama/all");
const SET = ["cola", "rte", "sst2"];
let out = "";

beforeAll(() => {
  out = tempFolder();
});

/** What a merge in the folder of the examples prints on stdout. */
async function printed(name: string, ...flags: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await run(["merge", ...SET, "--out", join(out, name), ...flags], { cwd: ADAPTERS });
  expect([code, stderr]).toEqual([0, expect.any(String)]);
  return stdout;
}

/** The commands that a merge prints to copy. */
const commandsIn = (stdout: string): string[][] =>
  Array.from(stdout.matchAll(/^ {4}lora-lego (.+)$/gm), ([, words]) => words!.split(" "));

describe("the end of a merge", () => {
  it("says what is in it of each adapter, with bars", async () => {
    const stdout = await printed("bars");
    expect(stdout).toMatch(/^cola +1 +6 +28 +0\.439 +50% █████·····$/m);
    expect(stdout).toMatch(/^No adapter is lost\. The result holds 50% of cola to 52% of sst2\.$/m);
  });

  it("has commands that mend what was warned of, keep the other flags and run as they are", async () => {
    const stdout = await printed("lego", "--method", "lego", "--dtype", "f32", "--exclude", "v_proj", "--effort=1");
    const commands = commandsIn(stdout);
    expect(commands.map((words) => words.join(" ").replaceAll(`${out}/`, ""))).toEqual([
      "merge cola rte sst2 --method lego --dtype f32 --exclude v_proj --effort 1 --rank 12 --report lego-2/report.json --out lego-2",
      "merge cola rte sst2 --dtype f32 --exclude v_proj --out lego-3",
      "audit lego --of cola rte sst2",
    ]);
    for (const words of commands.slice(0, 2)) {
      const { code, stderr } = await run(words, { cwd: ADAPTERS });
      expect(code).toBe(0);
      expect(stderr).not.toContain("began-alike");
    }
    expect((await run(commands[2]!, { cwd: ADAPTERS })).stdout).toContain("rank-too-low");
    // A name that is taken by now is not given again.
    expect(commandsIn(await printed("lego", "--method", "lego", "--force"))[0]!.at(-1)).toBe(join(out, "lego-4"));
  });

  it("says why the program that it was made for does not load it, after all", async () => {
    const paths = ["cola", "rte"].map((name) => resolve("examples/minibench/gpt2/all", name));
    const { code, stdout } = await run(["merge", ...paths, "--for", "vllm", "--out", join(out, "served")]);
    expect(code).toBe(0);
    expect(stdout.replaceAll(/\s+/g, " ")).toMatch(
      / vLLM \S+ takes no LoRA for GPT2LMHeadModel \(.+\); fuse it into the base instead \(lora-lego fuse\)\. /,
    );
    expect(await printed("plain", "--for", "vllm")).not.toContain("takes no LoRA");
    // Where no such lines are printed, it is a warning.
    const quiet = await run(["merge", ...paths, "--for", "vllm", "--out", join(out, "served-quietly"), "--quiet"]);
    expect([quiet.code, quiet.stdout]).toEqual([0, ""]);
    expect(quiet.stderr).toMatch(/^warning: vLLM \S+ takes no LoRA for GPT2LMHeadModel .* \[program\]$/m);
    const fine = await run(["merge", ...paths, "--quiet", "--out", join(out, "fine-quietly")]);
    expect(fine.stderr).not.toContain("[program]");
    // A dry run has no result to check, but knows the model.
    for (const [program, says] of [
      ["tgi", true],
      ["peft", false],
    ] as const) {
      const dry = await run(["merge", ...paths, "--for", program, "--dry-run"]);
      expect([dry.code, /takes no LoRA for GPT2LMHeadModel .* \[program\]$/m.test(dry.stderr)]).toEqual([0, says]);
    }
  });

  it("names the lost adapter, and the weights that balance it", async () => {
    const { code, stdout } = await run(["merge", "cola", "rte", "--weights", "1,0.001", "--out", join(out, "lost")], {
      cwd: ADAPTERS,
    });
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Practically lost: rte \(cosine \S+\)\. The result holds 100% of cola\.$/m);
    const [balanced] = commandsIn(stdout);
    expect(balanced!.join(" ")).toMatch(/^merge cola rte --weights 1,0\.91 --out /);
    expect(stdout.replaceAll(/\s+/g, " ")).toContain("rte then counts 0.91 times");
    expect((await run(balanced!, { cwd: ADAPTERS })).stdout).toContain("No adapter is lost.");
  });

  it("brings a lost adapter to the others' size first where weights do not, by one command to copy", async () => {
    const { stdout: scaled } = await run(
      ["merge", "cola", "--method", "cat", "--scale", "0.001", "--out", join(out, "tiny")],
      {
        cwd: ADAPTERS,
      },
    );
    expect(scaled).toContain("Hardly anything is left of cola (0%).");
    const { stdout } = await run(
      ["merge", "rte", join(out, "tiny"), "--method", "lego", "--dtype", "f32", "--out", join(out, "by-lego")],
      { cwd: ADAPTERS },
    );
    const why = /Try next:\n([\s\S]*?)\n {4}(lora-lego .*)/.exec(stdout)!;
    expect(why[1]!.replaceAll(/\s+/g, " ")).toMatch(
      /tiny then counts 1100 times, and its noise as much: for adapters that are fully trained/,
    );
    expect(why[2]).toBe(
      `lora-lego merge ${out}/tiny --method cat --scale 1100 --out ${out}/tiny-2 && lora-lego merge rte ${out}/tiny-2 --method lego --dtype f32 --report ${out}/by-lego-2/report.json --out ${out}/by-lego-2`,
    );
    for (const command of why[2]!.split(" && ")) {
      const { code, stderr } = await run(command.split(" ").slice(1), { cwd: ADAPTERS });
      expect([code, stderr]).toEqual([0, expect.not.stringContaining("lost-adapter")]);
    }
  });

  it("says it where the result works against an adapter, and where all is lost", async () => {
    const against = await printed("against", "--method", "cat", "--weights", "1,1,-1");
    expect(against).toMatch(/^The result works against sst2\. /m);
    const small = await printed("small", "--method", "cat", "--scale", "1e-9");
    expect(small).toMatch(/^Hardly anything is left of cola \(0%\), rte \(0%\), sst2 \(0%\)\.$/m);
    const zero = ["merge", "cola", "cola", "--method", "cat", "--weights", "1,-1", "--out", join(out, "zero")];
    expect((await run(zero, { cwd: ADAPTERS })).stdout).toMatch(/^Everything is lost: the result changes nothing\.$/m);
  });

  it("loads the result in programs that check says nothing against, and in no other", async () => {
    const stdout = await printed("load");
    const load = stdout.slice(stdout.indexOf("\nLoad it"));
    expect(load).toContain(`PEFT    PeftModel.from_pretrained(model, ${JSON.stringify(join(out, "load"))})`);
    expect(load).toContain("vLLM    vllm serve lora-lego/minibench-llama --enable-lora --lora-modules load=");
    for (const [program, taken] of [
      ["vllm", true],
      ["peft", true],
      ["sglang", true],
      ["tgi", false],
      ["llamacpp", false],
    ] as const) {
      const { good } = await checkAdapter(join(out, "load"), { for: program });
      expect([program, good]).toEqual([program, taken]);
    }
    // The other programs for language models, in one line.
    expect(load).toMatch(/^ {2}Not llama\.cpp, TGI, mlx-lm: lora-lego check \S+load says\s+why\.$/m);
    expect(load).not.toMatch(/^ {2}(?:TGI|llama\.cpp|mlx)|ComfyUI|diffusers/m);
  });

  it("has commands for LEGO that write what an audit of it needs, and says what one without it does not see", async () => {
    const set = ["cola", "mnli", "mrpc", "qnli", "qqp", "rte", "sst2"];
    const merge = async (...words: string[]) => {
      const { stdout } = await run(words, { cwd: ADAPTERS });
      return { stdout: stdout.replaceAll(/\s+/g, " "), commands: commandsIn(stdout) };
    };
    const first = await merge("merge", ...set, "--method", "lego", "--out", join(out, "blind"));
    expect(first.stdout).toContain(
      `Does the merge show signs of failure? Not its clusters: it was made without --report ${out}/blind/report.json. lora-lego audit`,
    );
    // Copied as they stand, at the rank that mixes clusters.
    const again = first.commands[0]!.map((word, n, all) => (all[n - 1] === "--rank" ? "6" : word));
    const second = await merge(...again);
    expect(second.stdout).toContain("Does the merge show signs of failure? lora-lego audit");
    const audit = await run(second.commands.at(-1)!, { cwd: ADAPTERS });
    expect(audit.stdout).toMatch(/^FOUND +mixed-clusters +purity /m);
    // Other methods have no clusters.
    expect(await printed("sum", "--method", "cat")).not.toContain("clusters");
  });

  it("starts vLLM for the rank, and loads single files where they go", async () => {
    const exact = await printed("exact", "--method", "cat");
    expect(exact).toMatch(/vllm serve .* --max-lora-rank 32$/m);
    const file = await printed("file.gguf", "--base-config", resolve("examples/minibench/llama/base/config.json"));
    expect(file).toMatch(/^ {2}llama\.cpp {2}llama-server -m BASE\.gguf --lora \S+file\.gguf$/m);
    expect(file).not.toContain("lora-lego audit");
  });

  it("names in a recipe the factor that auto computes, which the recipe's own would replace", async () => {
    const recipe = join(out, "recipe.yaml");
    const byRecipe = async (name: string, ...own: string[]) => {
      writeFileSync(recipe, [`adapters: [${SET.join(", ")}]`, ...own, `out: ${name}`].join("\n"));
      return run(["run", recipe, "--adapters", ADAPTERS]);
    };
    const { stdout } = await byRecipe("by-recipe", "method: lego", "scale: 1");
    expect(stdout).toMatch(/^ {4}in the recipe: method: auto; scale: auto$/m);
    // Options are those of a method alone.
    const own = await byRecipe("by-options", "method: lego", "options: { gauge: balanced }");
    expect(own.stdout).toMatch(/^ {4}in the recipe: method: auto; scale: auto; no options$/m);
    expect((await byRecipe("by-auto", "method: auto", "scale: auto")).code).toBe(0);
  });

  it("asks for the rank that an audit of the result asks for", async () => {
    const stdout = await printed("low", "--method", "average", "--rank", "2");
    const [again] = commandsIn(stdout);
    const { stdout: audited } = await run(["audit", join(out, "low"), "--of", ...SET], { cwd: ADAPTERS });
    expect(audited).toMatch(/^FOUND {3}rank-too-low/m);
    const rank = (words: readonly string[]) => words[words.indexOf("--rank") + 1];
    expect(rank(commandsIn(audited)[0]!)).toBe(rank(again!));
    expect((await run(again!, { cwd: ADAPTERS })).stderr).not.toContain("rank-too-low");
  });

  it("does not load a base that only another machine has, and says so", async () => {
    const named = (base: string | null) => {
      const folder = tempFolder();
      writeAdapter(join(folder, "a"), randomAdapter(1, { config: { base_model_name_or_path: base } }));
      return run(["resize", "a", "--rank", "1", "--out", "small"], { cwd: folder });
    };
    for (const base of ["/content/work/llama", "C:\\models\\llama", "../llama", "work/models/llama"]) {
      const { stdout } = await named(base);
      expect(stdout).toMatch(/^ {2}vLLM +vllm serve BASE --enable-lora /m);
      expect(stdout.replaceAll(/\s+/g, " ")).toContain(
        `Put the base model's path, or owner/name, in place of BASE: the adapter names ${base}, where nothing is.`,
      );
    }
    const { stdout: nameless } = await named(null);
    expect(nameless.replaceAll(/\s+/g, " ")).toContain(
      "BASE stands for the base model, which the adapter does not name.",
    );
    for (const base of ["gpt2", "acme/llama"]) {
      const { stdout } = await named(base);
      expect(stdout).toContain(`vllm serve ${base} --enable-lora`);
      expect(stdout).not.toContain("BASE");
    }
    const there = tempFolder();
    expect((await named(there)).stdout).toContain(`vllm serve ${there} --enable-lora`);
  });

  it("says of a base without an owner that it may not be found, and no line of a server for an encoder", async () => {
    const folder = tempFolder();
    const written = (name: string, base: string, module: string) => {
      const modules = { [module]: { in: 4, out: 4 } };
      const config = { base_model_name_or_path: base };
      writeAdapter(join(folder, name), randomAdapter(1, { modules, config }));
      return run(["resize", name, "--rank", "1", "--out", `${name}-small`], { cwd: folder });
    };
    const bare = await written("bare", "gemma3-270m-it", "model.layers.0.self_attn.q_proj");
    expect(bare.stdout).toContain("vllm serve gemma3-270m-it --enable-lora");
    expect(bare.stdout.replaceAll(/\s+/g, " ")).toContain(
      "gemma3-270m-it is the base model as the adapter names it; put its path, or owner/name, where a program does not find it.",
    );
    for (const module of ["roberta.encoder.layer.0.attention.self.query", "encoder.block.0.layer.0.SelfAttention.q"]) {
      const { stdout } = await written(`encoder-${module.length}`, "acme/encoder", module);
      expect(stdout).toMatch(/^ {2}PEFT /m);
      expect(stdout).not.toMatch(/vllm|sglang|text-generation-launcher|as the adapter names it/);
    }
  });

  it("takes no name for a program that begins with a dash", async () => {
    expect(await printed("-od")).toContain(` --lora-modules od=${join(out, "-od")}`);
  });

  it("keeps = and , of names and paths out of lines that split there", async () => {
    const stdout = await printed("a=b,c");
    expect(stdout).toContain(`--lora-modules '{"name":"a-b-c","path":${JSON.stringify(join(out, "a=b,c"))}}'`);
    expect(stdout).toContain(`--lora-paths a-b-c=${join(out, "a=b,c")}`);
  });

  it("says how image adapters in a folder, and MLX's, come into their programs' formats", async () => {
    const folder = tempFolder();
    const modules = Object.fromEntries(
      ["to_q", "to_k"].map((name) => [
        `unet.down_blocks.0.attentions.0.transformer_blocks.0.attn1.${name}`,
        { in: 320, out: 320 },
      ]),
    );
    writeAdapter(join(folder, "style"), randomAdapter(1, { modules }));
    const image = await run(["resize", "style", "--rank", "1", "--out", "small"], { cwd: folder });
    const lines = Array.from(
      image.stdout.matchAll(/^ {2}(.*?) {2,}(lora-lego convert .*)$/gm),
      ([, ...found]) => found,
    );
    expect(lines).toEqual([
      ["kohya's names (for ComfyUI)", "lora-lego convert small --to kohya --out small-2.safetensors"],
      ["diffusers' names", "lora-lego convert small --to diffusers --out small-3.safetensors"],
    ]);
    for (const [, command] of lines) expect((await run(command!.split(" ").slice(1), { cwd: folder })).code).toBe(0);
    await run(["convert", join(ADAPTERS, "cola"), "--to", "mlx", "--out", "mlx"], { cwd: folder });
    const { stdout } = await run(["merge", "mlx", "mlx", "--out", "merged"], { cwd: folder });
    const [command] = /lora-lego convert .*$/m.exec(stdout)!;
    expect(command).toBe("lora-lego convert merged --to mlx --out merged-2");
    expect((await run(command.split(" ").slice(1), { cwd: folder })).code).toBe(0);
    expect(
      (await run(["merge", "merged-2", join(ADAPTERS, "rte"), "--out", "mixed"], { cwd: folder })).stdout,
    ).not.toContain("--to mlx");
  });

  it("calls files by their own names in tables, with their folders where two are alike", async () => {
    const folder = tempFolder();
    const from = ["--base-config", resolve("examples/minibench/llama/base/config.json")];
    for (const [task, file] of [
      ["cola", "x/one.gguf"],
      ["rte", "x/two.gguf"],
      ["sst2", "y/one.gguf"],
    ] as const) {
      expect((await run(["convert", join(ADAPTERS, task), "--out", join(folder, file), ...from])).code).toBe(0);
    }
    const table = async (...files: string[]) => {
      const { stdout } = await run(["merge", ...files, "--out", "m", "--force", ...from], { cwd: folder });
      return Array.from(stdout.matchAll(/^(\S+) +1 +6 +28 /gm), ([, name]) => name);
    };
    expect(await table("x/one.gguf", "x/two.gguf")).toEqual(["one", "two"]);
    expect(await table("x/one.gguf", "x/two.gguf", "y/one.gguf")).toEqual(["x/one", "two", "y/one"]);
  });

  it("stays out of --json, --quiet and dry runs", async () => {
    expect(JSON.parse(await printed("json", "--json")).version).toBe(1);
    expect(await printed("quiet", "--quiet")).toBe("");
    expect(await printed("dry", "--dry-run")).not.toContain("Load it");
    expect(existsSync(join(out, "quiet"))).toBe(true);
    expect(await printed("quiet-dry", "--quiet", "--dry-run")).toBe("");
  });

  it("says what to change in a recipe", async () => {
    const folder = tempFolder();
    for (const [t, name] of ["a", "b"].entries()) writeAdapter(join(folder, name), randomAdapter(t));
    writeFileSync(join(folder, "recipe.yaml"), "adapters: [a, b]\nmethod: svd\nrank: 2\nout: merged\n");
    const { code, stdout } = await run(["run", "recipe.yaml"], { cwd: folder });
    expect(code).toBe(0);
    expect(stdout).toMatch(/^ {4}in the recipe: method: auto; scale: auto$/m);
    expect(stdout).toMatch(/^ {4}lora-lego audit merged --of a b$/m);
    expect(stdout).toMatch(/^Load it/m);
    expect(await run(["run", "recipe.yaml", "--force", "--quiet"], { cwd: folder })).toMatchObject({
      stdout: "",
      stderr: "",
    });
  });
});

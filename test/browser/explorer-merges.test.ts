import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { describe, expect, it } from "vitest";
import { openAdapter } from "../../src/adapter/open.ts";
import { auditSet } from "../../src/analysis/audit/audit-set.ts";
import type { ModuleOverview } from "../../src/analysis/overview.ts";
import { handedFolder } from "../../src/browser/handed-files.ts";
import { memorySource } from "../../src/core/bytes.ts";
import { readHeader } from "../../src/formats/safetensors/header.ts";
import { encodeSafetensors } from "../../src/formats/safetensors/write.ts";
import { wasmKernels } from "../../src/kernels/wasm.ts";
import { PAPER } from "../../src/methods/lego/options.ts";
import { convertAdapter } from "../../src/node/convert-adapter.ts";
import { auditMerged, mergeAdapters, mergeToFolder } from "../../src/node/index.ts";
import type { Recipe } from "../../src/recipe/recipe.ts";
import { minibench, SEEN } from "../support/minibench.ts";
import { randomAdapter, tempFolder, writeAdapter } from "../support/pico.ts";
import { recipeApart } from "../support/recipe-apart.ts";
import { explorer, handed } from "./explorer.ts";

const folder = tempFolder();

describe("the explorer", () => {
  it("merges to the bytes of lora-lego merge, all files of the folder", async () => {
    const page = explorer();
    const cards = await Promise.all(SEEN.map((task) => page.open(handed(minibench(task), task))));
    const chosen = cards.map(({ id, name }, t) => ({ id, name, weight: t === 2 ? 0.5 : 1 }));
    const recipe = { method: "lego", options: { gauge: "balanced" }, target: { kind: "rank", rank: 8 } } as const;
    const progress: number[] = [];
    const { files, report } = await page.merge(chosen, recipe, ({ done }) => progress.push(done));
    const out = join(folder, "merged");
    const weights = chosen.map(({ weight }) => weight);
    await mergeToFolder(SEEN.map(minibench), { ...recipe, weights }, { out });
    expect(Object.keys(files).sort()).toEqual(readdirSync(out).sort());
    for (const [name, bytes] of Object.entries(files)) {
      expect(readFileSync(join(out, name)).equals(bytes), name).toBe(true);
    }
    expect(progress.at(-1)).toBe(report.modules.length);
  });

  it("finds in a result what lora-lego audit finds, and whether the program that it is for loads it", async () => {
    const page = explorer();
    const tasks = SEEN.slice(0, 3);
    const gpt2 = (task: string) => join(minibench(task), "../../../gpt2/all", task);
    const cards = await Promise.all(tasks.map((task) => page.open(handed(gpt2(task), task))));
    const chosen = cards.map(({ id, name }, t) => ({ id, name, weight: t === 2 ? 0.5 : 1 }));
    const recipe = { method: "lego", target: { kind: "rank", rank: 2 }, for: "vllm" } as const;
    const made = await page.merge(chosen, recipe, () => {});
    expect(made.loading.against).toMatch(/^vLLM .* takes no LoRA for GPT2LMHeadModel/);
    expect(made.loading.lines.map(({ title }) => title)).toEqual(["PEFT"]);
    const out = join(folder, "checked");
    mkdirSync(out);
    for (const [name, bytes] of Object.entries(made.files)) writeFileSync(join(out, name), bytes);
    writeFileSync(join(out, "report.json"), JSON.stringify(made.report));
    const { signatures, good } = await auditMerged(out, { of: tasks.map(gpt2) });
    expect([signatures.length, good]).toEqual([8, false]);
    const ids = cards.map(({ id }) => id);
    const found = await page.check(ids, { ...made, recipe });
    expect(found!.signatures).toEqual(signatures);
    expect(found!.fixes.length).toBeGreaterThan(0);
  });

  it("gives the merge of image adapters as the single file that their programs load, byte for byte", async () => {
    const unet = { "unet.mid_block.attentions.0.transformer_blocks.0.attn1.to_q": { in: 4, out: 4 } };
    for (const [name, convert] of [
      ["peft", null],
      ["kohya", "kohya"],
      ["diffusers", "diffusers"],
    ] as const) {
      const paths: string[] = [];
      for (const seed of [1, 2]) {
        const own = writeAdapter(join(folder, `image-${name}-${seed}`), randomAdapter(seed, { modules: unet }));
        if (convert === null) paths.push(own);
        else {
          const out = join(folder, `image-${name}-${seed}.safetensors`);
          await convertAdapter(own, { to: convert, out });
          paths.push(out);
        }
      }
      const page = explorer();
      const cards = await Promise.all(
        paths.map((path) =>
          page.open(
            convert === null
              ? handed(path, basename(path))
              : {
                  name: basename(path),
                  files: { "a.safetensors": { blob: new Blob([readFileSync(path)]) } },
                  folders: [],
                },
          ),
        ),
      );
      const chosen = cards.map(({ id, name: own }) => ({ id, name: own, weight: 1 }));
      const recipe = { method: "tsv" } as const;
      const made = await page.merge(chosen, recipe, () => {});
      const file = `${made.name}.safetensors`;
      expect(made.loading.single).toBe(file);
      expect(made.loading.lines.map(({ title }) => title)).toContain("diffusers");
      expect(made.loading.lines.find(({ title }) => title === "diffusers")!.line).toContain(file);
      const out = join(folder, `merged-${name}.safetensors`);
      await mergeAdapters(paths, recipe, { out });
      // A page knows the names of files, but not of the folders that hold them.
      const [ofPage, ofNode] = [await page.single({ ...made, recipe }), readFileSync(out)].map(recipeApart);
      expect(ofPage!.rest, name).toEqual(ofNode!.rest);
      expect(ofPage!.recipe).toBe(ofNode!.recipe!.replaceAll(`${basename(folder)}/`, ""));
      const programs = await page.programs(cards.map(({ id }) => id));
      const against = Object.fromEntries(programs.map((program) => [program.for, program.against]));
      expect(against).toMatchObject({ diffusers: null, comfyui: null, peft: null });
      expect(against.vllm).toMatch(/^vLLM runs language models/);
      // A program that may be chosen is one that the merge is not refused for.
      for (const program of programs.filter((own) => own.against === null)) {
        expect(await page.estimate(chosen, { ...recipe, for: program.for }), program.for).toHaveProperty("rank");
        const forIt = await page.merge(chosen, { ...recipe, for: program.for }, () => {});
        expect(forIt.loading.against, program.for).toBeNull();
      }
    }
  });

  it("knows which programs load what is merged before it is", async () => {
    const page = explorer();
    const gpt2 = (task: string) => join(minibench(task), "../../../gpt2/all", task);
    const against = async (...paths: readonly string[]) => {
      const cards = await Promise.all(paths.map((path) => page.open(handed(path, basename(path)))));
      return Object.fromEntries(
        (await page.programs(cards.map(({ id }) => id))).map((program) => [program.for, program.against]),
      );
    };
    const ofGpt2 = await against(gpt2("cola"), gpt2("sst2"));
    expect(ofGpt2.vllm).toMatch(/^vLLM .* takes no LoRA for GPT2LMHeadModel/);
    expect(ofGpt2.peft).toBeNull();
    const ofLlama = await against(minibench("cola"), minibench("sst2"));
    expect(ofLlama).toMatchObject({ vllm: null, peft: null });
    expect(ofLlama.llamacpp).toMatch(/convert the result to gguf/);
    expect(ofLlama.comfyui).toMatch(/ComfyUI/);
  });

  it("shares out a budget as lora-lego merge does", async () => {
    const page = explorer();
    const cards = await Promise.all(SEEN.map((task) => page.open(handed(minibench(task), task))));
    const chosen = cards.map(({ id, name }) => ({ id, name, weight: 1 }));
    const recipe = { method: "tsv", target: { kind: "budget", rank: 6 } } as const;
    const { files } = await page.merge(chosen, recipe, () => {});
    const out = join(folder, "within-budget");
    await mergeToFolder(SEEN.map(minibench), recipe, { out });
    for (const [name, bytes] of Object.entries(files)) {
      expect(readFileSync(join(out, name)).equals(bytes), name).toBe(true);
    }
  });

  it("hashes an adapter in parts as the command line does", async () => {
    const whole = readFileSync(join(minibench("cola"), "adapter_model.safetensors"));
    const { tensors } = await readHeader(memorySource("cola", whole));
    const path = join(folder, "parts");
    cpSync(minibench("cola"), path, { recursive: true });
    rmSync(join(path, "adapter_model.safetensors"));
    const shardOf = (name: string): string =>
      `adapter_model-0000${name.includes("layers.0.") ? 1 : 2}-of-00002.safetensors`;
    const names = [...tensors.keys()];
    for (const shard of new Set(names.map(shardOf))) {
      const own = names
        .filter((name) => shardOf(name) === shard)
        .map((name) => {
          const { dtype, shape, begin, end } = tensors.get(name)!;
          return { name, dtype, shape, data: whole.subarray(begin, end) };
        });
      writeFileSync(join(path, shard), encodeSafetensors(own, { format: "pt" }));
    }
    const index = { metadata: {}, weight_map: Object.fromEntries(names.map((name) => [name, shardOf(name)])) };
    writeFileSync(join(path, "adapter_model.safetensors.index.json"), JSON.stringify(index));
    const page = explorer();
    const card = await page.open(handed(path, "parts"));
    const { files, report } = await page.merge(
      [{ id: card.id, name: "parts", weight: 1 }],
      { method: "cat" },
      () => {},
    );
    const out = join(folder, "of-parts");
    const { report: expected } = await mergeToFolder([path], { method: "cat" }, { out });
    expect(report.inputs[0]!.sha256).toMatch(/^[0-9a-f]{64}$/);
    expect(report.inputs[0]!.sha256).toBe(expected.inputs[0]!.sha256);
    expect(readFileSync(join(out, "README.md")).equals(files["README.md"]!)).toBe(true);
  });

  it("copies what the adapters have alike and names their datasets, as the command line does", async () => {
    const made = ["cola", "sst2"].map((task, t) => {
      const path = join(folder, task);
      cpSync(minibench(task), path, { recursive: true });
      writeFileSync(join(path, "tokenizer.json"), "{}");
      writeFileSync(join(path, "chat_template.jinja"), String(t));
      writeFileSync(join(path, "README.md"), `---\ndatasets:\n- set-${t}\n---\n`);
      return path;
    });
    const page = explorer();
    const cards = await Promise.all(made.map((path) => page.open(handed(path, basename(path)))));
    const chosen = cards.map(({ id, name }) => ({ id, name, weight: 1 }));
    const { files, report } = await page.merge(chosen, { method: "average" }, () => {});
    const out = join(folder, "with-companions");
    await mergeToFolder(made, { method: "average" }, { out });
    expect(Object.keys(files).sort()).toEqual(readdirSync(out).sort());
    for (const [name, bytes] of Object.entries(files))
      expect(readFileSync(join(out, name)).equals(bytes), name).toBe(true);
    expect(new TextDecoder().decode(files["README.md"])).toContain('- "set-1"');
    expect(report.warnings.map(({ id }) => id)).toContain("tokenizer-differs");
  });

  it("estimates the size that the merge has, and passes on refusals", async () => {
    const page = explorer();
    const cards = await Promise.all(SEEN.slice(0, 2).map((task) => page.open(handed(minibench(task), task))));
    const chosen = cards.map(({ id, name }) => ({ id, name, weight: 1 }));
    const { files } = await page.merge(chosen, { method: "svd" }, () => {});
    const estimate = await page.estimate(chosen, { method: "svd" });
    expect(estimate).toMatchObject({ bytes: files["adapter_model.safetensors"]!.length, rank: 6, dtype: "bf16" });
    // How many units dc_merge gives is known when it has merged.
    const sparse = { method: "dc_merge", target: { kind: "rank", rank: 9 } } as const;
    expect(await page.estimate(chosen, sparse)).toMatchObject({ rank: 9, most: true });
    const { report } = await page.merge(chosen, sparse, () => {});
    expect(report.totals.rank).toBeLessThan(9);
    // A field by the name that the form gives it.
    const typed: Recipe = { method: "svd", scale: "abc" as never };
    expect(await page.estimate(chosen, typed)).toEqual({
      refused: '“Factor of the delta” is "abc", but must be a finite number, or auto.',
    });
    expect(await page.estimate(chosen, { method: "svd", for: "mlx" })).toMatchObject({
      refused: expect.stringMatching(/mlx-lm loads mlx files, but a PEFT adapter is made here/),
    });
    const refused = await page.estimate(chosen, { method: "ties", options: { density: -1 } });
    expect(refused).toMatchObject({ refused: expect.stringContaining("density") });
  });

  it("refuses adapters of different bases before it reads one, in the words of lora-lego audit, in any order", async () => {
    const wide = join(folder, "wide");
    const shared = "model.layers.3.self_attn.q_proj";
    writeAdapter(wide, randomAdapter(3, { modules: { [shared]: { in: 4096, out: 16 } } }));
    for (const paths of [
      [wide, minibench("cola")],
      [minibench("cola"), wide],
      [minibench("sst2"), minibench("cola"), wide],
    ]) {
      const page = explorer();
      const cards = await Promise.all(paths.map((path) => page.open(handed(path, basename(path)))));
      const ids = cards.map(({ id }) => id);
      const adapters = await Promise.all(
        paths.map(async (path) => openAdapter(handedFolder(handed(path, basename(path))))),
      );
      const message = await auditSet(wasmKernels(), adapters, paths).then(
        () => "",
        (error: Error) => error.message,
      );
      expect(message).toMatch(
        / adapt different bases: model\.layers\.3\.self_attn\.q_proj is .* merge adapters of one base model\.$/,
      );
      const seen: ModuleOverview[] = [];
      await expect(page.overview(ids, (module) => seen.push(module))).rejects.toThrow(message);
      expect(seen).toEqual([]);
      await expect(page.openModule(ids, shared, PAPER)).rejects.toThrow(message);
      const chosen = cards.map(({ id, name }) => ({ id, name, weight: 1 }));
      expect(await page.estimate(chosen, { method: "average" })).toEqual({ refused: message });
      await expect(page.merge(chosen, { method: "average" }, () => {})).rejects.toThrow(message);
    }
  });

  it("ends a merge that is cancelled", async () => {
    const page = explorer();
    const cards = await Promise.all(SEEN.map((task) => page.open(handed(minibench(task), task))));
    const chosen = cards.map(({ id, name }) => ({ id, name, weight: 1 }));
    const merging = page.merge(chosen, { method: "lego" }, ({ done }) => done === 2 && void page.cancelMerge());
    await expect(merging).rejects.toThrow(/abort/i);
  });
});

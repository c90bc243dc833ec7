import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { encodeSafetensors } from "../../src/formats/safetensors/write.ts";
import { extractAdapter } from "../../src/node/extract-adapter.ts";
import { fuseModel } from "../../src/node/fuse-model.ts";
import { openAdapterPath } from "../../src/node/input/adapter-path.ts";
import { mergeAdapters } from "../../src/node/merge-adapters.ts";
import { writeModel } from "../support/models.ts";
import { encodeTensor, tempFolder, writeAdapter } from "../support/pico.ts";

/** A model in a folder with this config. */
function modelOf(type: string, tensors: Parameters<typeof writeModel>[1][number], fields: object = {}): string {
  const folder = writeModel(tempFolder(), [tensors]);
  writeFileSync(join(folder, "config.json"), JSON.stringify({ model_type: type, ...fields }));
  return folder;
}

/** Every file of a folder but the card, which names the base. */
const filesOf = (folder: string) =>
  new Map(
    readdirSync(folder)
      .filter((file) => file !== "README.md")
      .map((file) => [file, readFileSync(join(folder, file)).toString("latin1")] as const),
  );
const WEIGHTS = "model.safetensors";

it("fuses into one file and extracts from two, whatever else lies beside them", async () => {
  const folder = tempFolder();
  const at = (name: string): string => join(folder, name);
  const write = (name: string, tensors: readonly ReturnType<typeof encodeTensor>[]): void =>
    writeFileSync(at(name), encodeSafetensors(tensors));
  const square = [
    [1, 2],
    [3, 4],
  ];
  const stem = "model.diffusion_model.input_blocks.4.1.transformer_blocks.0.attn1.to_q";
  write("sd.safetensors", [encodeTensor(`${stem}.weight`, square)]);
  write("other.safetensors", [encodeTensor("other.weight", square)]);
  const key = "lora_unet_input_blocks_4_1_transformer_blocks_0_attn1_to_q";
  write("lora.safetensors", [
    encodeTensor(`${key}.lora_down.weight`, [[1, 1]]),
    encodeTensor(`${key}.lora_up.weight`, [[1], [2]]),
  ]);
  const fused = await fuseModel([at("lora.safetensors")], { base: at("sd.safetensors"), out: at("fused") });
  expect(fused).toMatchObject({ base: "sd.safetensors", fused: 1 });
  expect(readdirSync(at("fused")).sort()).toEqual(["README.md", "sd.safetensors"]);
  const options = { base: at("sd.safetensors"), tuned: at("fused/sd.safetensors"), out: at("again"), rank: 2 };
  expect((await extractAdapter(options)).modules).toHaveLength(1);
  const { adapter, close } = await openAdapterPath(at("again"));
  close();
  expect([...adapter.modules.keys()]).toEqual(["unet.down_blocks.1.attentions.0.transformer_blocks.0.attn1.to_q"]);
  await expect(fuseModel([at("lora.safetensors")], { base: at("fused/README.md"), out: at("no") })).rejects.toThrow(
    /README\.md is a file, but not in safetensors; pass a model folder/,
  );
});

it("fuses into the one file of a model as into its folder, by the config beside it", async () => {
  const square = [
    [1, 2],
    [3, 4],
  ];
  const [c_proj, q_proj] = ["transformer.h.0.attn.c_proj", "model.layers.0.self_attn.q_proj"];
  const gpt2 = modelOf("gpt2", { [`${c_proj}.weight`]: square });
  const embedding = { "model.embed_tokens.weight": [...square, [5, 6]], [`${q_proj}.weight`]: square };
  const tied = modelOf("llama", embedding, { tie_word_embeddings: true, vocab_size: 3 });
  for (const [base, module, B] of [
    [gpt2, c_proj, [[0], [1]]],
    [tied, "lm_head", [[1], [1], [1]]],
  ] as const) {
    const adapter = writeAdapter(join(tempFolder(), "lora"), { modules: { [module]: { A: [[1, 0]], B } } });
    const [whole, alone] = [join(tempFolder(), "whole"), join(tempFolder(), "alone")];
    await fuseModel([adapter], { base, out: whole });
    await fuseModel([adapter], { base: join(base, WEIGHTS), out: alone });
    expect(filesOf(alone)).toEqual(filesOf(whole));
  }
});

it("extracts from the one file of a model as from its folder, by the config beside it", async () => {
  const down = "model.layers.0.mlp.experts.down_proj";
  const models = (type: string, key: string, change: Parameters<typeof writeModel>[1][number][string][]) =>
    change.map((values) => modelOf(type, { [key]: values }));
  const zeros = [
    [0, 0, 0],
    [0, 0, 0],
  ];
  const tuned = [
    [1, 2, 3],
    [2, 4, 6],
  ];
  for (const [base, after] of [
    models("gpt2", "transformer.h.0.attn.c_attn.weight", [zeros, tuned]),
    models("gpt_oss", down, [
      [zeros, zeros],
      [tuned, tuned],
    ]),
  ] as [string, string][]) {
    const [whole, alone] = [join(tempFolder(), "whole"), join(tempFolder(), "alone")];
    await extractAdapter({ base, tuned: after, rank: 1, out: whole });
    await extractAdapter({ base: join(base, WEIGHTS), tuned: join(after, WEIGHTS), rank: 1, out: alone });
    expect(filesOf(alone).get("adapter_model.safetensors")).toBe(filesOf(whole).get("adapter_model.safetensors"));
  }
});

it("refuses one of several files, by its name or by an index beside it", async () => {
  const folder = writeModel(tempFolder(), [{ "a.weight": [[1]] }, { "b.weight": [[1]] }]);
  const refused = (file: string) =>
    expect(fuseModel(["none"], { base: join(folder, file), out: join(folder, "no") })).rejects.toThrow(
      `${file} is one of several files of a model; pass the folder ${folder}.`,
    );
  await refused("model-00001-of-00002.safetensors");
  writeFileSync(join(folder, "part.safetensors"), readFileSync(join(folder, "model-00001-of-00002.safetensors")));
  const index = { weight_map: { "a.weight": "part.safetensors", "b.weight": "rest.safetensors" } };
  writeFileSync(join(folder, "odd.safetensors.index.json"), JSON.stringify(index));
  await refused("part.safetensors");
});

it.each([
  ["transformer.h.0.attn.c_proj.weight", [[1]]],
  ["model.layers.0.mlp.experts.down_proj_bias", [[1]]],
])("refuses a base with %s where no config says how it stores weights", async (key, values) => {
  const base = modelOf("any", { [key]: values });
  rmSync(join(base, "config.json"));
  const out = join(tempFolder(), "out");
  const adapter = writeAdapter(join(tempFolder(), "lora"), { modules: { a: { A: [[1]], B: [[1]] } } });
  const dora = writeAdapter(join(tempFolder(), "dora"), {
    modules: { a: { A: [[1]], B: [[1]] } },
    config: { use_dora: true },
    extras: { "base_model.model.a.lora_magnitude_vector": [1] },
  });
  for (const given of [base, join(base, WEIGHTS)]) {
    const needed = `has ${key}, and no config.json that says`;
    await expect(fuseModel([adapter], { base: given, out })).rejects.toThrow(needed);
    await expect(extractAdapter({ base: given, tuned: given, rank: 1, out })).rejects.toThrow(needed);
    await expect(mergeAdapters([dora], { dora: "bake" }, { base: given, out })).rejects.toThrow(needed);
  }
});

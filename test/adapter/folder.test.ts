import { describe, expect, it } from "vitest";
import type { AdapterFileNames } from "../../src/adapter/adapter.ts";
import { adapterFolder, chooseFiles, fileOf } from "../../src/adapter/folder.ts";
import { memorySource } from "../../src/core/bytes.ts";
import { FormatError, RefusedError } from "../../src/core/errors.ts";
import { memoryFolder } from "../support/memory-folder.ts";

const folderOf = (files: readonly string[], folders: readonly string[] = []) =>
  memoryFolder("mine", Object.fromEntries(files.map((file) => [file, ""])), folders);

const choose = (...files: string[]): AdapterFileNames => chooseFiles(folderOf(files));

const CONFIG = "adapter_config.json";
const WEIGHTS = "adapter_model.safetensors";
const INDEX = "adapter_model.safetensors.index.json";
const SHARDS = ["adapter_model-00001-of-00002.safetensors", "adapter_model-00002-of-00002.safetensors"];

describe("chooseFiles", () => {
  it("takes the names that PEFT writes, among whatever else there is", () => {
    const files = [CONFIG, WEIGHTS, "README.md", "tokenizer.json", "training_args.bin", "adapter_model.bin"];
    expect(choose(...files)).toEqual({ weights: WEIGHTS, sharded: false, config: CONFIG });
  });

  it.each([
    [[CONFIG, "adapter_model.bin", "training_args.bin", "optimizer.pt"], "adapter_model.bin"],
    [["pytorch_lora_weights.pt", "scheduler.pt"], "pytorch_lora_weights.pt"],
    [["pytorch_model.bin", "adapter_model (1).bin"], "adapter_model (1).bin"],
    [["adapter.gguf"], "adapter.gguf"],
    [["adapter.gguf", "adapter_model.bin", "x.safetensors"], "x.safetensors"],
  ])("takes the other containers where there is no safetensors file: of %j %s", (files, weights) => {
    expect(choose(...files)).toMatchObject({ weights, sharded: false });
  });

  it("takes names that a browser changed", () => {
    const [weights, config] = ["adapter_model (1).safetensors", "adapter_config (1).json"];
    expect(choose(weights, config)).toEqual({ weights, sharded: false, config });
  });

  it("prefers the exact names to their copies", () => {
    expect(choose("adapter_model (1).safetensors", WEIGHTS, "adapter_config (1).json", CONFIG)).toEqual({
      weights: WEIGHTS,
      sharded: false,
      config: CONFIG,
    });
  });

  it("takes the only safetensors file, whatever its name, but an adapter_model before others", () => {
    expect(choose(CONFIG, "lora.safetensors").weights).toBe("lora.safetensors");
    expect(choose(CONFIG, "a.safetensors", "adapter_model_v2.safetensors").weights).toBe(
      "adapter_model_v2.safetensors",
    );
  });

  it("takes MLX's final weights before its checkpoints", () => {
    expect(choose(CONFIG, "0000100_adapters.safetensors", "adapters.safetensors").weights).toBe("adapters.safetensors");
  });

  it("takes an index with its shards, but a whole file before them", () => {
    expect(choose(CONFIG, INDEX, ...SHARDS)).toEqual({ weights: INDEX, sharded: true, config: CONFIG });
    expect(choose(CONFIG, INDEX, ...SHARDS, WEIGHTS)).toEqual({ weights: WEIGHTS, sharded: false, config: CONFIG });
  });

  it("leaves a missing config to those who need it", () => {
    expect(choose(WEIGHTS)).toEqual({ weights: WEIGHTS, sharded: false, config: null });
  });

  it("refuses several adapters in one folder and lists them", () => {
    const pick = (): unknown => choose(CONFIG, "a.safetensors", "b.safetensors");
    expect(pick).toThrow(RefusedError);
    expect(pick).toThrow("mine holds several adapters (a.safetensors, b.safetensors); pass one of these files.");
  });

  it("refuses several configs where none has the exact name", () => {
    const pick = (): unknown => choose("adapter_config (1).json", "adapter_config (2).json", WEIGHTS);
    expect(pick).toThrow(RefusedError);
    expect(pick).toThrow(
      "several configs (adapter_config (1).json, adapter_config (2).json); keep the one that belongs to the weights.",
    );
  });

  it("lists the folders that hold adapters where the folder itself holds none, four at most by name", () => {
    const pick = (count: number) => (): unknown =>
      chooseFiles(
        folderOf(
          ["README.md"],
          Array.from({ length: count }, (_, i) => `checkpoint-${i + 1}`),
        ),
      );
    expect(pick(1)).toThrow(RefusedError);
    expect(pick(1)).toThrow("one folder with adapters (checkpoint-1); pass one of them.");
    expect(pick(4)).toThrow("(checkpoint-1, checkpoint-2, checkpoint-3, checkpoint-4); pass one of them.");
    expect(pick(6)).toThrow(
      "6 folders with adapters (checkpoint-1, checkpoint-2, checkpoint-3, checkpoint-4 and 2 more); pass one of them.",
    );
  });

  it.each([
    [["a.bin", "b.pt"], RefusedError, "several adapters (a.bin, b.pt); pass one of these files"],
    [["optimizer.pt", "rng_state.pth"], FormatError, "mine holds no adapter"],
    [[CONFIG], RefusedError, "adapter_config.json but no weights next to it"],
    [["training_args.bin"], RefusedError, "training_args.bin, which holds the trainer's settings"],
    [[CONFIG, ...SHARDS], FormatError, "adapter_model.safetensors.index.json"],
    [[], FormatError, "mine holds no adapter: expected adapter_config.json and adapter_model.safetensors"],
    [["notes.txt"], FormatError, "mine holds no adapter"],
  ] as const)("says of %j what is there instead of weights", (files, kind, message) => {
    const pick = (): unknown => choose(...files);
    expect(pick).toThrow(kind);
    expect(pick).toThrow(message);
  });
});

describe("adapterFolder", () => {
  it("opens the sources it was given, and says which file is missing", async () => {
    const source = memorySource("a.safetensors", new Uint8Array(3));
    const folder = adapterFolder("x", { "a.safetensors": source });
    expect([folder.files, folder.folders]).toEqual([["a.safetensors"], []]);
    expect(await folder.open("a.safetensors")).toBe(source);
    await expect(folder.open("toString")).rejects.toThrow("x/toString is missing");
  });
});

describe("a file of an adapter", () => {
  it.each([
    ["mine", "adapter_config.json", "mine/adapter_config.json"],
    ["loras/style.safetensors", "style.safetensors", "loras/style.safetensors"],
    ["loras/style.safetensors (2)", "style.safetensors", "loras/style.safetensors"],
    ["loras/style.gguf", "adapter_config.json", "loras/adapter_config.json"],
    ["style.pt", "style.pt", "style.pt"],
    ["my.safetensors.folder", "a.safetensors", "my.safetensors.folder/a.safetensors"],
  ])("of the name %s is shown once (%s)", (name, file, shown) => {
    expect(fileOf(name, file)).toBe(shown);
  });
});

import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { hubSettings } from "../../src/node/index.ts";
import { baseOnDisk } from "../../src/node/input/base-on-disk.ts";
import { tempFolder } from "../support/pico.ts";

const CONFIG = JSON.stringify({ model_type: "llama", architectures: ["LlamaForCausalLM"], num_hidden_layers: 3 });

/** A cache laid out like that of Python's huggingface_hub, with this config. */
function cached(config: string, name = "models--acme--llama"): ReturnType<typeof hubSettings> {
  const cache = tempFolder();
  const repo = join(cache, name);
  mkdirSync(join(repo, "refs"), { recursive: true });
  mkdirSync(join(repo, "snapshots", "abc"), { recursive: true });
  writeFileSync(join(repo, "refs", "main"), "abc");
  writeFileSync(join(repo, "snapshots", "abc", "config.json"), config);
  return hubSettings({ HF_HUB_CACHE: cache });
}

it("the config of a base is read from the Hub's cache, or from its folder, and nothing is fetched", () => {
  const settings = cached(CONFIG);
  expect(baseOnDisk("acme/llama", settings)!.config!.architectures).toEqual(["LlamaForCausalLM"]);
  expect(baseOnDisk("acme/other", settings)).toBeNull();
  expect(baseOnDisk("gpt2", cached(CONFIG, "models--gpt2"))).not.toBeNull();
  const folder = join(tempFolder(), "base");
  mkdirSync(folder);
  writeFileSync(join(folder, "config.json"), CONFIG);
  expect(baseOnDisk(folder, settings)!.config!.architectures).toEqual(["LlamaForCausalLM"]);
});

it("a config that cannot be read, and a name that is none on the Hub, count as nothing known", () => {
  expect(baseOnDisk("acme/llama", cached("{"))).toBeNull();
  expect(baseOnDisk("a b/../c", cached(CONFIG))).toBeNull();
  expect(baseOnDisk("/nowhere/on/this/machine", cached(CONFIG))).toBeNull();
});

// A file that opens but fails to read for every user, root included.
it.runIf(process.platform === "linux")("a config that the system does not let read counts as nothing known", () => {
  const folder = tempFolder();
  symlinkSync("/proc/self/mem", join(folder, "config.json"));
  expect(baseOnDisk(folder, cached(CONFIG))).toBeNull();
});

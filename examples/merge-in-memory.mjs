// Open adapters from bytes and merge them in memory, as a browser does with dropped files.
import { readFile } from "node:fs/promises";
import { blobSource, mergeInMemory, openAdapter } from "lora-lego";

const FILES = ["adapter_config.json", "adapter_model.safetensors"];

function folder(name) {
  return {
    name,
    files: FILES,
    folders: [],
    async open(file) {
      const bytes = await readFile(new URL(`adapters/${name}/${file}`, import.meta.url));
      return blobSource(`${name}/${file}`, new Blob([bytes]));
    },
  };
}

const adapters = [await openAdapter(folder("reverse")), await openAdapter(folder("sort"))];
const { config, weights, report } = await mergeInMemory(adapters, { target: { kind: "rank", rank: 6 }, dtype: "bf16" });
console.log(`rank ${config.r}, ${weights.byteLength} bytes, norm ratio ${report.totals.normRatio.toFixed(3)}`);

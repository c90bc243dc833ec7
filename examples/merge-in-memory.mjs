// Open adapters from bytes and merge them in memory, as a browser does with dropped files.
import { readFile } from "node:fs/promises";
import { adapterFolder, memorySource, mergeInMemory, openAdapter } from "lora-lego";

async function open(name) {
  const files = {};
  for (const file of ["adapter_config.json", "adapter_model.safetensors"]) {
    files[file] = memorySource(file, await readFile(new URL(`adapters/${name}/${file}`, import.meta.url)));
  }
  return openAdapter(adapterFolder(name, files));
}

const adapters = [await open("reverse"), await open("sort")];
const { config, weights, report } = await mergeInMemory(adapters, { target: { kind: "rank", rank: 6 }, dtype: "bf16" });
console.log(`rank ${config.r}, ${weights.byteLength} bytes, norm ratio ${report.totals.normRatio.toFixed(3)}`);

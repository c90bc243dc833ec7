// Merge into an output of your own: here a file handle, but an upload or a stream with seeking will do.
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { mergeToSink } from "lora-lego";
import { openAdapters } from "lora-lego/node";

const paths = ["reverse", "sort"].map((name) => fileURLToPath(new URL(`adapters/${name}`, import.meta.url)));
const opened = await openAdapters(paths);
const adapters = opened.map(({ adapter }) => adapter);
const file = await open(process.argv[2] ?? join(tmpdir(), "lora-lego-example.safetensors"), "w");
const { plan } = await mergeToSink(adapters, { method: "svd" }, () => ({
  write: async (offset, bytes) => {
    await file.write(bytes, 0, bytes.byteLength, offset);
  },
}));
const { size } = await file.stat();
await file.close();
for (const { close } of opened) close();
console.log(`rank ${plan.rank}: ${size} of ${plan.size} bytes written`);

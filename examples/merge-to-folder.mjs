// Merge adapters on disk into a folder that PEFT and servers read.
import { fileURLToPath } from "node:url";
import { mergeToFolder } from "lora-lego/node";

const inputs = ["reverse", "sort", "swap"].map((name) => fileURLToPath(new URL(`adapters/${name}`, import.meta.url)));
const out = process.argv[2] ?? "merged-example";

const { report } = await mergeToFolder(inputs, { method: "lego", weights: [2, 1, 1] }, { out, force: true });
console.log(
  `${out}: rank ${report.totals.rank}, cosines ${report.totals.cosines.map((cosine) => cosine.toFixed(2)).join(" ")}`,
);

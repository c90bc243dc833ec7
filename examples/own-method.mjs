// Merge by a method of one's own, on two threads.
import { fileURLToPath } from "node:url";
import { mergeToFolder } from "lora-lego/node";
import "./methods/norm-average.mjs";

const inputs = ["reverse", "sort"].map((name) => fileURLToPath(new URL(`adapters/${name}`, import.meta.url)));
const out = process.argv[2] ?? "merged-example";

const recipe = { method: "norm_average", options: { strength: 0.5 } };
const { report } = await mergeToFolder(inputs, recipe, { out, force: true, threads: 2 });
console.log(`${out}: rank ${report.totals.rank}, norm ratio ${report.totals.normRatio?.toFixed(3)}`);

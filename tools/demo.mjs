/** The demo: merge the seven adapters of minibench by LoRA-LEGO, then score base, own adapters, average and lego on their tasks. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROWS = 200;
const root = fileURLToPath(new URL("..", import.meta.url));
const tasks = ["cola", "mnli", "mrpc", "qnli", "qqp", "rte", "sst2"];
const words = [
  "merge",
  ...tasks.map((task) => `examples/minibench/llama/all/${task}`),
  "--method",
  "lego",
  "--rank",
  "12",
  "--out",
  "demo-merged",
  "--force",
];
console.log(`\n$ lora-lego ${words.join(" ")}\n`);
const { status } = spawnSync(process.execPath, [join(root, "dist/cli/main.js"), ...words], {
  cwd: root,
  stdio: "inherit",
});
if (status !== 0) process.exit(status ?? 1);
console.log(
  "\ndemo-merged/ is a PEFT adapter: load it with PeftModel.from_pretrained, or pass it to any server that takes one.",
);

const { benchPage, loadLlama, runBenchFile } = await import("../dist/node/evaluate.js");
const llama = await loadLlama(join(root, "test/llamacpp")).catch((error) => {
  console.log(
    `\nWhat the merge keeps of the tasks is not scored: ${error.message} For this demo, npm run setup:llama is enough.`,
  );
  return null;
});
if (llama !== null) {
  const config = join(root, "examples/minibench/demo.yaml");
  console.log(`\n$ lora-lego bench --config examples/minibench/demo.yaml --limit ${ROWS}\n`);
  const cache = mkdtempSync(join(tmpdir(), "lora-lego-demo-"));
  console.log(benchPage(await runBenchFile(config, { llama, cache, limit: ROWS, threads: 1 })));
  rmSync(cache, { recursive: true, force: true });
}

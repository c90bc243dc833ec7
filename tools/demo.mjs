/** The demo: merge the seven adapters of minibench by LoRA-LEGO, then score base, own adapters, average and lego on their tasks. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

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
run(words);
console.log(
  "\ndemo-merged/ is a PEFT adapter: load it with PeftModel.from_pretrained, or pass it to any server that takes one.",
);

const { loadLlama } = await import("../dist/node/evaluate.js");
const why = await loadLlama().then(
  () => null,
  (error) => error.message,
);
if (why !== null) console.log(`\nWhat the merge keeps of the tasks is not scored: ${why}`);
else {
  const cache = mkdtempSync(join(tmpdir(), "lora-lego-demo-"));
  try {
    run(["bench", "--config", "examples/minibench/demo.yaml", "--limit", "80", "--cache", cache]);
  } finally {
    rmSync(cache, { recursive: true, force: true });
  }
}

/** Run a command of lora-lego, which shows its progress itself. */
function run(words) {
  console.log(`\n$ lora-lego ${words.join(" ")}\n`);
  const { status } = spawnSync(process.execPath, [join(root, "dist/cli/main.js"), ...words], {
    cwd: root,
    stdio: "inherit",
  });
  if (status !== 0) process.exit(status ?? 1);
}

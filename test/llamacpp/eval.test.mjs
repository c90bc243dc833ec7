/** llama.cpp answers minibench's rows as PyTorch and PEFT do: accuracies within 0.3 points of accuracies.json, which tools/minibench wrote. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { evaluate, loadLlama, readTaskFiles } from "../../dist/node/evaluate.js";

const TOLERANCE = 0.3;
/** The target set that is checked of each model: all four pass, in 5 minutes. */
const CHECKED = { llama: "all", gpt2: "qv" };
const SEEN = ["cola", "mnli", "mrpc", "qnli", "qqp", "rte", "sst2"];
const minibench = fileURLToPath(new URL("../../examples/minibench", import.meta.url));
const llama = await loadLlama(fileURLToPath(new URL(".", import.meta.url)));
const rowsOf = (task) => readTaskFiles([join(minibench, "test", `${task}.jsonl`)]);

for (const [shape, targets] of Object.entries(CHECKED)) {
  describe(`minibench's ${shape}`, () => {
    const expected = JSON.parse(readFileSync(join(minibench, shape, "accuracies.json"), "utf8"));
    const base = join(minibench, shape, "base");

    it("scores as by PyTorch without an adapter", async () => {
      const rows = readdirSync(join(minibench, "test")).flatMap((file) => rowsOf(file.replace(".jsonl", "")));
      const [{ tasks }] = await evaluate({ base, adapters: [], rows, threads: 1, llama });
      for (const [task, { accuracy }] of Object.entries(tasks)) near(task, 100 * accuracy, expected.base[task]);
    });

    it("scores as by PyTorch with each adapter on its own task", async () => {
      for (const task of SEEN) {
        const name = `${targets}/${task}`;
        const adapters = [join(minibench, shape, name)];
        const [, { average }] = await evaluate({ base, adapters, rows: rowsOf(task), threads: 1, llama });
        near(name, 100 * average, expected[name][task]);
      }
    });
  });
}

function near(what, got, expected) {
  assert.ok(Math.abs(got - expected) <= TOLERANCE, `${what}: ${got.toFixed(2)} by llama.cpp, ${expected} by PyTorch`);
}

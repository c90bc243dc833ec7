/** llama.cpp answers minibench's rows as PyTorch and PEFT do: accuracies within 0.3 points of accuracies.json, which tools/minibench wrote. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { evaluate, loadLlama, readTaskFiles } from "../../dist/node/evaluate.js";

const TOLERANCE = 0.3;
const SEEN = ["cola", "mnli", "mrpc", "qnli", "qqp", "rte", "sst2"];
const minibench = fileURLToPath(new URL("../../examples/minibench", import.meta.url));

/** Tests of one model: of its base on every task, and of each adapter of a target set on its own. */
export function testAccuracies(shape, targets) {
  describe(`minibench's ${shape}`, () => {
    const expected = JSON.parse(readFileSync(join(minibench, shape, "accuracies.json"), "utf8"));
    const base = join(minibench, shape, "base");
    for (const file of readdirSync(join(minibench, "test"))) {
      const task = file.replace(".jsonl", "");
      it(`scores ${task} as by PyTorch`, async () => {
        const llama = await loadLlama(fileURLToPath(new URL(".", import.meta.url)));
        const rows = readTaskFiles([join(minibench, "test", file)]);
        const adapters = SEEN.includes(task) ? [join(minibench, shape, targets, task)] : [];
        const [without, own] = await evaluate({ base, adapters, rows, threads: 1, llama });
        near(task, 100 * without.average, expected.base[task]);
        if (own !== undefined) near(`${targets}/${task}`, 100 * own.average, expected[`${targets}/${task}`][task]);
      });
    }
  });
}

function near(what, got, expected) {
  assert.ok(Math.abs(got - expected) <= TOLERANCE, `${what}: ${got.toFixed(2)} by llama.cpp, ${expected} by PyTorch`);
}

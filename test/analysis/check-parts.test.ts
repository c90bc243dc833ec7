import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { refuseMisfits } from "../../src/adapter/compatibility.ts";
import { consumerById } from "../../src/adapter/consumers.ts";
import { storedTensors } from "../../src/adapter/stored-tensors.ts";
import { checkOpened } from "../../src/analysis/check.ts";
import { checkValues, notFinite } from "../../src/analysis/checks/values.ts";
import { RefusedError } from "../../src/core/errors.ts";
import { checkAdapter, openAdapterPath } from "../../src/node/index.ts";
import { filled, keyOf, openPeft, linear as plain } from "../support/memory-folder.ts";
import { openPico, randomAdapter, tempFolder, writeAdapter } from "../support/pico.ts";

const EXPERT = "model.layers.0.mlp.experts.0";
const ones = (rows: number, columns: number): number[][] => Array.from({ length: rows }, () => Array(columns).fill(1));
const linear = (inputs: number, out: number) => ({ A: ones(1, inputs), B: ones(out, 1) });
const right = () =>
  openPico("right", {
    modules: { [`${EXPERT}.gate_up_proj`]: linear(8, 12), [`${EXPERT}.down_proj`]: linear(6, 8) },
  });
const swapped = () =>
  openPico("swapped", {
    modules: { [`${EXPERT}.gate_up_proj`]: linear(12, 8), [`${EXPERT}.down_proj`]: linear(8, 6) },
  });
const SAYS = `${EXPERT}.gate_up_proj is 12 -> 8 and ${EXPERT}.down_proj is 8 -> 6, which do not follow each other; a PEFT that had the two sizes of a parameter the other way round saved them`;

describe("experts whose sizes are the other way round", () => {
  it("are refused in merges with others in the words of convert, in either order", async () => {
    for (const pair of [
      [await right(), await swapped()],
      [await swapped(), await right()],
    ]) {
      expect(() => refuseMisfits(pair, false)).toThrow(RefusedError);
      expect(() => refuseMisfits(pair, false)).toThrow(
        `swapped: ${SAYS}, so it does not merge with right; fuse each into its base model instead.`,
      );
    }
    const two = [await swapped(), await swapped()];
    expect(() => refuseMisfits(two, false)).not.toThrow();
  });

  it("are named by check as not looked at, and others are not", async () => {
    const { unseen } = checkOpened(await swapped(), consumerById("peft"));
    expect(unseen).toContainEqual(expect.stringContaining(`has these sizes: ${SAYS}`));
    expect(checkOpened(await right(), consumerById("peft")).unseen.join()).not.toContain("sizes:");
  });
});

describe("values that are not finite", () => {
  it.each([
    ["NaN", Number.NaN],
    ["infinity", Number.POSITIVE_INFINITY],
  ])("are found by check wherever they are: %s", async (_, value) => {
    const folder = tempFolder();
    const path = writeAdapter(
      join(folder, "a"),
      randomAdapter(1, { modules: { "layers.0.q_proj": { in: 8, out: 8 } } }),
    );
    expect((await checkAdapter(path, { for: "peft" })).good).toBe(true);
    const { adapter, close } = await openAdapterPath(path);
    close();
    const tensors = storedTensors(adapter);
    expect(tensors.map(({ name }) => name.split(".").slice(-2).join("."))).toEqual(["lora_A.weight", "lora_B.weight"]);
    const file = join(path, "adapter_model.safetensors");
    const bytes = readFileSync(file);
    bytes.writeFloatLE(value, tensors[1]!.end - 4);
    writeFileSync(file, bytes);
    const { good, findings } = await checkAdapter(path, { for: "peft" });
    expect(good).toBe(false);
    expect(findings.at(-1)).toEqual({
      level: "differs",
      text: expect.stringMatching(/^PEFT loads values .* the tensor \S+lora_B\.weight holds NaN or infinite values/),
    });
  });

  it("are found in biases next to B too", async () => {
    const bias = filled(keyOf("q", "lora_B.bias"), [4], "F32", 0xff);
    const adapter = await openPeft([...plain("q"), bias], { lora_bias: true });
    expect(checkValues(await notFinite(adapter), consumerById("peft"))).toEqual([
      { level: "differs", text: expect.stringContaining(`the tensor ${bias.name} holds NaN`) },
    ]);
  });
});

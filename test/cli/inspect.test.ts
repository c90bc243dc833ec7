import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type PicoAdapter, writeAdapter } from "../support/pico.ts";
import { a, b, fresh } from "./pair.ts";
import { lines, run } from "./run.ts";

const ESCAPE = String.fromCharCode(27);

describe.concurrent("lora-lego inspect", () => {
  it("prints every adapter that it can read, an error for each other, and ends with status 1", async () => {
    const { folder } = fresh();
    const { code, stdout, stderr } = await run(["inspect", a, folder, b, "--modules"]);
    expect(code).toBe(1);
    expect(stdout).toMatch(/^a: PEFT LoRA for pico, [\d.]+ kB$/m);
    expect(stdout).toMatch(/^b: PEFT LoRA for pico/m);
    expect(stdout).toMatch(/^ {2}2 modules \(linear\), rank 2, scale 2, f32$/m);
    expect(stdout).toMatch(/^layers\.1\.q_proj +4 +7 +4 +1 +[\d.]+ +[\d.]+ +([\d.]+ ){3}[\d.]+$/m);
    expect(lines(stderr)).toHaveLength(1);
    expect(stderr).toMatch(/^error: lora-lego-\w+ holds no adapter: expected adapter_config\.json/);
  });

  it("prints the good ones as JSON beside the errors of the others", async () => {
    const { folder } = fresh();
    const { code, stdout, stderr } = await run(["inspect", folder, b, "--json"]);
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject([{ name: "b", ranks: [2], scales: [2], dtypes: ["f32"], extras: [] }]);
    expect(lines(stderr)).toHaveLength(1);
  });

  it("ends with status 0 for adapters that only deserve a warning", async () => {
    const { folder } = fresh();
    const zero: PicoAdapter = { modules: { "layers.0.q_proj": { A: [[1, 2]], B: [[0], [0]] } } };
    const { code, stdout, stderr } = await run(["inspect", writeAdapter(join(folder, "zero"), zero)]);
    expect(code).toBe(0);
    expect(stdout).toContain("1 zero module");
    expect(lines(stderr)).toEqual(["warning: zero changes nothing: all its deltas are zero. [zero-adapter]"]);
  });

  it("shows characters that could steer the terminal as escapes", async () => {
    const { folder } = fresh();
    const evil: PicoAdapter = {
      modules: { [`q${ESCAPE}[2J`]: { A: [[1, 2]], B: [[1], [2]] } },
      config: { base_model_name_or_path: `${ESCAPE}]0;pwned`, [`new${ESCAPE}field`]: 1 },
      extras: { [`base_model.model.head${ESCAPE}.weight`]: [1] },
    };
    const shown = await run(["inspect", writeAdapter(join(folder, "evil"), evil), "--modules"]);
    expect(shown.code).toBe(0);
    for (const text of ["q\\u001b[2J", "for \\u001b]0;pwned", "head\\u001b.weight"]) {
      expect(shown.stdout).toContain(text);
    }
    expect(shown.stderr).toContain("sets new\\u001bfield in its config");
    const worse: PicoAdapter = { ...evil, extras: { [`x.lora_q${ESCAPE}\nwarning: all is well`]: [1] } };
    const told = await run(["inspect", writeAdapter(join(folder, "evil"), worse)]);
    expect(told.stdout).toContain("lora_q\\u001b\\u000awarning: all is well");
    const refused = await run(["verify", join(folder, "evil")]);
    expect(lines(refused.stderr)).toHaveLength(1);
    expect(refused.stderr).toContain("lora_q\\u001b\\u000awarning: all is well");
    for (const { stdout, stderr } of [shown, told, refused]) expect(stdout + stderr).not.toContain(ESCAPE);
  });
});

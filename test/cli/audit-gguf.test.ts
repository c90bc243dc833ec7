import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { minibench } from "../support/minibench.ts";
import { tempFolder } from "../support/pico.ts";
import { lines, run } from "./run.ts";

describe.concurrent("lora-lego audit of GGUF adapters", () => {
  const BASE = resolve("examples/minibench/llama/base");
  const TWO = ["cola", "rte"].map(minibench);
  const ready = (command: string): string[] => command.replace("BASE/", `${BASE}/`).trim().split(" ").slice(1);

  it("gives commands that run, once BASE is the base model's folder", async () => {
    const cwd = tempFolder();
    const gguf = ["cola", "rte"].map((task) => `${task}.gguf`);
    for (const [t, file] of gguf.entries()) {
      const from = [TWO[t]!, "--base-config", join(BASE, "config.json")];
      expect((await run(["convert", ...from, "--to", "gguf", "--out", file], { cwd })).code).toBe(0);
    }
    const folder = await run(["merge", ...gguf, "--out", "folder"], { cwd });
    expect([folder.code, folder.stderr]).toEqual([2, expect.stringMatching(/; pass that file as --base-config\.\n$/)]);
    const { stdout } = await run(["audit", ...gguf], { cwd });
    const [command] = lines(stdout).filter((line) => line.startsWith("  lora-lego"));
    expect(command).toBe("  lora-lego merge cola.gguf rte.gguf --base-config BASE/config.json --out merged.gguf");
    expect((await run(ready(command!), { cwd })).code).toBe(0);
    const { stderr } = await run(["audit", "merged.gguf", "--of", ...TWO], { cwd });
    const [, convert] = /; convert \S+ first: (lora-lego .*) \(BASE is the base model's folder\)\.\n$/.exec(stderr)!;
    expect((await run(ready(convert!), { cwd })).code).toBe(0);
    expect((await run(["audit", "merged-peft", "--of", ...TWO], { cwd })).code).toBe(0);
  });

  it("refuses a GGUF adapter among others that a PEFT result was made of, whose merge prints no such command", async () => {
    const cwd = tempFolder();
    const config = join(BASE, "config.json");
    await run(["convert", TWO[0]!, "--base-config", config, "--to", "gguf", "--out", "l1.gguf"], { cwd });
    const alone = await run(["merge", "l1.gguf", TWO[1]!, "--out", "no"], { cwd });
    expect([alone.code, alone.stderr]).toEqual([
      1,
      expect.stringMatching(
        /^error: l1\.gguf has .*; pass that to the merge as --base-config BASE\/config\.json, or convert /,
      ),
    ]);
    const merged = await run(["merge", "l1.gguf", TWO[1]!, "--base-config", config, "--out", "l2"], { cwd });
    expect([merged.code, merged.stdout]).toEqual([0, expect.not.stringContaining("lora-lego audit")]);
    const { code, stdout, stderr } = await run(["audit", "l2", "--of", "l1.gguf", TWO[1]!], { cwd });
    expect([code, stdout, stderr]).toEqual([
      1,
      "",
      expect.stringMatching(/; convert l1\.gguf first: lora-lego convert l1\.gguf --to peft .* --out l1-peft /),
    ]);
  });
});

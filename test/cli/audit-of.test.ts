import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { auditMerged } from "../../src/node/audit-merged.ts";
import { minibench, SEEN } from "../support/minibench.ts";
import { tempFolder } from "../support/pico.ts";
import { lines, run } from "./run.ts";

const SEVEN = SEEN.map(minibench);

describe.concurrent("lora-lego audit --of", () => {
  const merged = async (...flags: string[]): Promise<string> => {
    const out = join(tempFolder(), "merged");
    expect((await run(["merge", ...SEVEN, ...flags, "--out", out, "--report", join(out, "report.json")])).code).toBe(0);
    return out;
  };

  it("finds nothing in a merge by auto with ranks for all, within 80 columns", async () => {
    const { code, stdout, stderr } = await run(["audit", await merged(), "--of", ...SEVEN]);
    expect([code, stderr]).toEqual([0, ""]);
    expect(lines(stdout).filter((line) => line.length > 80)).toEqual([]);
    expect(stdout).toMatch(/^cola +1 +0\.\d\d +38%$/m);
    expect(stdout).toMatch(/^ok +rank-too-low +rank 12 can hold 100% of the sum's energy \(least 90%\)$/m);
    expect(stdout).toMatch(/^ok +badly-kept +0\.9\d times as much of \w+ as of all \(least 0\.50\)$/m);
    expect(stdout).toMatch(/^- +mixed-clusters +the method makes no clusters$/m);
    expect(stdout).not.toContain("not looked at");
  });

  it("names the adapter that fewer ranks than adapters leave no room for, as the merge does, and mends it", async () => {
    const out = join(tempFolder(), "merged");
    const merge = await run(["merge", ...SEVEN, "--rank", "6", "--out", out]);
    expect(merge.stderr).toMatch(/^warning: The result holds 46% as much of cola as .* \[badly-kept\]$/m);
    expect(merge.stdout).toContain(`\n    lora-lego merge ${SEVEN.join(" ")} --rank 12 --out ${out}-2\n`);
    const { code, stdout } = await run(["audit", out, "--of", ...SEVEN]);
    expect(code).toBe(1);
    expect(stdout).toMatch(/^merged: 28 modules, rank 6 \(effective rank 5\.9\), norm ratio 1\.345, energy 0\.363$/m);
    expect(stdout).toMatch(/^cola +1 +0\.11 +17%$/m);
    expect(stdout).toMatch(/^FOUND +badly-kept +0\.46 times as much of cola as of all \(least 0\.50\)$/m);
    // The factor that was computed for rank 6 is none for rank 12.
    const [command] = lines(stdout).filter((line) => line.startsWith("    lora-lego"));
    expect(command).toBe(`    lora-lego merge ${SEVEN.join(" ")} --rank 12 --out ${out}-2`);
    expect((await run(command!.trim().split(" ").slice(1))).code).toBe(0);
    expect((await run(["audit", `${out}-2`, "--of", ...SEVEN])).code).toBe(0);
  });

  it("names what is wrong with LEGO at the rank of one of seven adapters, with its remedies", async () => {
    const out = await merged("--method", "lego");
    const { code, stdout } = await run(["audit", out, "--of", ...SEVEN]);
    expect(code).toBe(1);
    expect(stdout).toMatch(/^FOUND +mixed-clusters +purity 18%, 0\.54 times chance's \(least 0\.75\)$/m);
    expect(stdout).toMatch(/^FOUND +scale-too-small +the adapters ask for factor 1\.493 \(most 1\.33\)$/m);
    const commands = lines(stdout).filter((line) => line.startsWith("    lora-lego"));
    expect(commands).toEqual([
      `    lora-lego merge ${SEVEN.join(" ")} --method lego --rank 12 --scale auto --report ${out}-2/report.json --out ${out}-2`,
      `    lora-lego merge ${SEVEN.join(" ")} --rank 12 --out ${out}-3`,
    ]);
    const json = await run(["audit", out, "--of", ...SEVEN, "--json"]);
    expect([json.code, JSON.parse(json.stdout)]).toEqual([
      1,
      JSON.parse(JSON.stringify(await auditMerged(out, { of: SEVEN }))),
    ]);
  });

  it("is mended by its own remedy, which runs as it stands", async () => {
    const out = await merged("--method", "lego", "--exclude", "v_proj");
    const { stdout } = await run(["audit", out, "--of", ...SEVEN]);
    const [command] = lines(stdout).filter((line) => line.startsWith("    lora-lego"));
    expect(command).toMatch(
      /--method lego --exclude v_proj --rank 12 --scale auto --report \S+-2\/report\.json --out \S+-2$/,
    );
    expect((await run(command!.trim().split(" ").slice(1))).code).toBe(0);
    expect((await run(["audit", `${out}-2`, "--of", ...SEVEN])).code).toBe(0);
  });

  it("says of a shrunk adapter how to shrink it less, and nothing else", async () => {
    const out = join(tempFolder(), "small");
    expect((await run(["resize", SEVEN[0]!, "--rank", "1", "--out", out])).code).toBe(0);
    const { stdout } = await run(["audit", out, "--of", SEVEN[0]!]);
    const commands = lines(stdout).filter((line) => line.startsWith("    lora-lego"));
    expect(commands).toEqual([
      expect.stringMatching(/^ {4}lora-lego resize \S+cola --method svd .*--rank \d --out \S+small-2$/),
    ]);
    expect((await run(commands[0]!.trim().split(" ").slice(1))).code).toBe(0);
    expect((await run(["audit", `${out}-2`, "--of", SEVEN[0]!])).code).toBe(0);
  });

  it("names what a scaled result was made of, where that is not what it is held against", async () => {
    const out = await merged("--rank", "12");
    const scaled = join(tempFolder(), "scaled");
    expect((await run(["merge", out, "--method", "cat", "--scale", "3", "--out", scaled])).code).toBe(0);
    const { stdout } = await run(["audit", scaled, "--of", ...SEVEN]);
    expect(stdout.replaceAll(/\s+/g, " ")).toContain("(recipe.yaml says that it was made of merged)");
    expect(stdout).not.toMatch(/^problem:/m);
    expect(stdout).toMatch(/^- {7}scale-too-large {2}the weights of the merge are not known$/m);
  });

  it("takes one merged adapter, and adapters that it was made of", async () => {
    const two = await run(["audit", SEVEN[0]!, SEVEN[1]!, "--of", SEVEN[2]!]);
    expect([two.code, two.stderr]).toEqual([
      2,
      "error: --of looks at one merged adapter, but 2 are named before it; name one.\n",
    ]);
    expect((await run(["audit", SEVEN[0]!, "--of"])).code).toBe(2);
    expect((await run(["audit", "--of", ...SEVEN])).code).toBe(2);
  });
});

import { existsSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { a, fresh, odd } from "./pair.ts";
import { run } from "./run.ts";

const ESCAPE = String.fromCharCode(27);

describe.concurrent("colours", () => {
  it("are used where they are asked for, and never under NO_COLOR", async () => {
    const { out } = fresh();
    const args = ["merge", a, odd, "--out", out];
    const coloured = await run(args, { env: { FORCE_COLOR: "1", NO_COLOR: "" } });
    expect(coloured.stderr).toContain(`${ESCAPE}[31merror:${ESCAPE}[39m`);
    const plain = await run(args, { env: { FORCE_COLOR: "1", NO_COLOR: "1" } });
    expect(plain.stderr).toMatch(/^error: a and odd/);
    expect(plain.stderr).not.toContain(ESCAPE);
    expect(existsSync(out)).toBe(false);
  });
});

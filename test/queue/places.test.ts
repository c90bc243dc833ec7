import { mkdirSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { placeOf, printOf } from "../../src/queue/places.ts";
import { Roots } from "../../src/queue/roots.ts";
import { tempFolder } from "../support/pico.ts";

const home = tempFolder();
const [shared, other] = [join(home, "shared"), join(home, "other")];
for (const folder of [shared, other]) mkdirSync(join(folder, "math"), { recursive: true });
for (const folder of [shared, other]) {
  writeFileSync(join(folder, "math", "adapter_model.safetensors"), "x".repeat(1e6));
  writeFileSync(join(folder, "math", "adapter_config.json"), "{}");
}
symlinkSync(other, join(shared, "away"));
mkdirSync(join(shared, "linked"));
symlinkSync(join(other, "math", "adapter_config.json"), join(shared, "linked", "adapter_config.json"));
writeFileSync(join(shared, "linked", "weights.safetensors"), "x");
const roots = new Roots([shared]);

describe("the roots of a worker", () => {
  it("hold what lies below them", async () => {
    await roots.check(await placeOf(join(shared, "math")));
    await roots.check({ path: "hf://owner/name@main", print: "hf://owner/name@main" });
    roots.checkPath(join(shared, "not-there-yet.queue"));
  });

  it.each([
    ["a folder beside them", join(other, "math")],
    ["a way up", join(shared, "..", "other", "math")],
    ["a link out of them", join(shared, "away", "math")],
    ["a folder with a link out of them", join(shared, "linked")],
    ["a file next to which a link leads out of them", join(shared, "linked", "weights.safetensors")],
    ["a name that only begins like one", `${shared}-too`],
  ])("do not hold %s", async (_, path) => {
    await expect(roots.check({ path, print: "" })).rejects.toThrow(
      /is not below .*shared; start the worker with --root/,
    );
  });

  it("do not hold a relative path, wherever the worker was started", () => {
    expect(() => new Roots(["."]).checkPath("package.json")).toThrow(/is not below/);
  });

  it("say what is missing, and what is there with another content", async () => {
    const path = join(shared, "math");
    await expect(roots.check({ path: join(shared, "med"), print: "" })).rejects.toThrow(
      /^There is no .*med here; mount/,
    );
    await expect(roots.check({ path, print: "0" })).rejects.toThrow(/math here has another content/);
  });
});

describe("the print of an input", () => {
  it("is the same for the same files elsewhere, and another after a change of size, of a name or within", async () => {
    const before = await printOf(join(other, "math"));
    expect(await printOf(join(shared, "math"))).toBe(before);
    const weights = join(other, "math", "adapter_model.safetensors");
    writeFileSync(weights, `${"x".repeat(5e5)}${"y".repeat(5e5)}`);
    const within = await printOf(join(other, "math"));
    writeFileSync(weights, "x".repeat(1e6 + 1));
    const longer = await printOf(join(other, "math"));
    writeFileSync(weights, "x".repeat(1e6));
    expect(await printOf(join(other, "math"))).toBe(before);
    writeFileSync(join(other, "math", "more.json"), "{}");
    expect(new Set([before, within, longer, await printOf(join(other, "math"))]).size).toBe(4);
  });

  it("goes with a stamp that a change between its pieces alters too, and that workers do not compare", async () => {
    const folder = join(shared, "large");
    mkdirSync(folder);
    const weights = join(folder, "adapter_model.safetensors");
    const bytes = new Uint8Array(1e6);
    writeFileSync(weights, bytes);
    utimesSync(weights, 1, 1);
    const before = await placeOf(folder);
    expect(await placeOf(folder)).toEqual(before);
    bytes[5000] = 1;
    writeFileSync(weights, bytes);
    const after = await placeOf(folder);
    expect(after).toEqual({ ...before, stamp: expect.not.stringMatching(before.stamp) });
    await roots.check(before);
  });

  it("leaves out a link beside the files that leads nowhere", async () => {
    const before = await placeOf(join(shared, "large"));
    symlinkSync(join(home, "gone.json"), join(shared, "large", "gone.json"));
    expect(await placeOf(join(shared, "large"))).toEqual(before);
    await roots.check(before);
  });
});

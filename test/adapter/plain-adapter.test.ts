import { describe, expect, it } from "vitest";
import { plainAdapter } from "../../src/adapter/plain-adapter.ts";
import { FormatError } from "../../src/core/errors.ts";
import { unitModule } from "../support/unit-module.ts";

const modules = new Map([["q", unitModule("q", 2, "a")]]);
const known = { name: "it", files: [], modules };

describe("an adapter of which only factors and scales are known", () => {
  it("has nothing besides", () => {
    const adapter = plainAdapter(known);
    expect(adapter).toMatchObject(known);
    const empty = Object.entries(adapter).filter(([field]) => !(field in known));
    expect(empty.length).toBeGreaterThan(15);
    for (const [field, value] of empty) {
      if (Array.isArray(value)) expect(value, field).toEqual([]);
      else if (value instanceof Map) expect(value.size, field).toBe(0);
      else expect(value === null || value === false, field).toBe(true);
    }
  });

  it("has a variant once that both its tensors and its config report", () => {
    const variant = (id: "dora" | "alora", text: string) => ({ id, text });
    const variants = [variant("dora", "by its tensors"), variant("alora", "by its config"), variant("dora", "again")];
    expect(plainAdapter({ ...known, variants }).variants).toEqual(variants.slice(0, 2));
    expect(plainAdapter({ ...known, modules: new Map(), variants }).modules.size).toBe(0);
  });

  it("is refused without modules and variants", () => {
    expect(() => plainAdapter({ ...known, modules: new Map() })).toThrow(
      new FormatError("it holds no LoRA factors; pass the file of a LoRA adapter."),
    );
  });
});

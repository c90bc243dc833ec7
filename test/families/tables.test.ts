import { describe, expect, it } from "vitest";
import { DENOISERS, TEXT_ENCODERS } from "../../src/families/families.ts";
import { nameOf } from "../../src/families/family.ts";

const FAMILIES = [...DENOISERS, ...TEXT_ENCODERS].map((family) => [family.title, family] as const);
const numbered = (pattern: string): string => {
  let next = 3;
  return pattern.replaceAll("#", () => String(next++));
};

describe.each(FAMILIES)("the table of %s", (_, family) => {
  const { weights, traits, rows } = family;

  it("finds every weight and part under each of its names, with dots and without", () => {
    for (const weight of weights) {
      const whole = numbered(weight.path);
      const spellings: [string, string][] = [[weight.path, whole]];
      if (weight.diffusers !== null) spellings.push([weight.diffusers, whole]);
      for (const [i, part] of weight.parts.entries()) {
        for (const pattern of [part.diffusers, `${weight.path}.${part.name}`, `${weight.path}.${i}`])
          spellings.push([pattern, `${whole}.${part.name}`]);
      }
      for (const [pattern, name] of spellings) {
        const path = numbered(pattern);
        expect(nameOf(family.find(path, false)!), path).toBe(name);
        expect(nameOf(family.find(path.replaceAll(".", "_"), true)!), path).toBe(name);
      }
    }
  });

  it("knows the rows of every part, and only weights of its own by ratio and number", () => {
    const paths = new Set(weights.map(({ path }) => path));
    for (const { parts } of weights) for (const { name } of parts) expect(rows[name]).toBeGreaterThan(0);
    for (const path of Object.keys(traits.ratios ?? {})) expect(paths).toContain(path);
    for (const list of traits.sizes?.flatMap(({ blocks }) => Object.keys(blocks)) ?? []) {
      expect([...paths].some((path) => path.startsWith(`${list}.#.`))).toBe(true);
    }
  });

  it("has no name for anything else", () => {
    for (const path of ["odd", "", "blocks.0", `${numbered(weights[0]!.path)}.odd`, "layers.0.self_attn.q_proj"]) {
      expect(family.find(path, false)).toBeNull();
      expect(family.find(path.replaceAll(".", "_"), true)).toBeNull();
    }
  });
});

it("has each family once", () => {
  const ids = FAMILIES.map(([, { id }]) => id);
  expect(new Set(ids).size).toBe(ids.length);
});

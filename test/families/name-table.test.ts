import { describe, expect, it } from "vitest";
import { expanded, expandedTogether, filledIn, nameTable } from "../../src/families/name-table.ts";

describe("nameTable", () => {
  const table = nameTable(expanded("a_b.#.{c.0,d}").map((path) => [path, path] as const));

  it("has its paths and no others", () => {
    expect(table.find("a_b.12.d")).toEqual({ value: "a_b.#.d", numbers: ["12"] });
    expect(table.find("a_b.0.c.0")).toEqual({ value: "a_b.#.c.0", numbers: ["0"] });
    for (const path of ["a_b.0.c.1", "a_b.01.d", "a_b.x.d", "a.b.0.d", "e", "xa_b.0.d", "a_b.0.d.weight", ""]) {
      expect(table.find(path)).toBeNull();
    }
  });

  it("finds paths whose dots are underscores", () => {
    expect(table.findUnderscored("a_b_12_d")).toEqual({ value: "a_b.#.d", numbers: ["12"] });
    for (const name of ["a_b_0_c", "a_b_01_d", "a.b_0_d", "f"]) expect(table.findUnderscored(name)).toBeNull();
  });

  it("takes the first of equal patterns", () => {
    const twice = nameTable([
      ["a.#", 1],
      ["a.#", 2],
    ]);
    expect(twice.find("a.3")?.value).toBe(1);
  });
});

describe("braces", () => {
  it("are expanded once for each text, and in two patterns together", () => {
    expect(expanded("{a,b}.{c,d}")).toEqual(["a.c", "a.d", "b.c", "b.d"]);
    expect(expandedTogether("{a,b}.{c,d}", "x_{1,2}.{3,4}")).toEqual([
      ["a.c", "x_1.3"],
      ["a.d", "x_1.4"],
      ["b.c", "x_2.3"],
      ["b.d", "x_2.4"],
    ]);
    expect(() => expandedTogether("{a,b}", "{x}")).toThrow("too few");
  });

  it("leave numbers to be filled in", () => {
    expect(filledIn("a.#.b.#", ["3", "7"])).toBe("a.3.b.7");
  });
});

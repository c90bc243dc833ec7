import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { mentionedTypes } from "./support/mentioned-types.ts";
import { PUBLIC_ENTRIES } from "./support/public-entries.ts";

describe("the package's types", () => {
  it("are exported wherever an export mentions them", () => {
    const { exported, hidden } = mentionedTypes(PUBLIC_ENTRIES);
    expect(hidden).toEqual([]);
    expect(exported).toBeGreaterThan(100);
  });
});

describe("mentionedTypes", () => {
  const folder = mkdtempSync(join(tmpdir(), "lora-lego-types-"));
  afterAll(() => rmSync(folder, { recursive: true }));
  const hidden = (declarations: string): string[] => {
    writeFileSync(
      join(folder, "inner.d.ts"),
      "export interface Inner { x: Date }\nexport declare const LIST: { a: 1 };\n",
    );
    writeFileSync(join(folder, "entry.d.ts"), declarations);
    return mentionedTypes([join(folder, "entry.d.ts")]).hidden.map(({ name }) => name);
  };

  it.each([
    'import type { Inner } from "./inner.js"; export interface Outer { inner: readonly Inner[] }',
    'import type { Inner } from "./inner.js"; export declare function f(inner: Promise<Inner>): void;',
    'import type { Inner } from "./inner.js"; export interface Outer extends Inner { y: 1 }',
    'export type Outer = import("./inner.js").Inner;',
    "interface Inner { x: 1 } export declare class Outer { inner: Inner }  export {};",
  ])("finds what %s hides", (declarations) => {
    expect(hidden(declarations)).toEqual(["Inner"]);
  });

  it("finds a constant that a type is made of", () => {
    const outer = 'import { LIST } from "./inner.js"; export type Outer = (typeof LIST.a)[];';
    expect(hidden(outer)).toEqual(["LIST"]);
    expect(hidden(`${outer} export { LIST };`)).toEqual([]);
  });

  it("lets pass what is exported, under another name too, and what is the language's own", () => {
    const outer = 'import type { Inner } from "./inner.js"; export interface Outer<T> { inner: Map<T, Inner> }';
    expect(hidden(`${outer} export { Inner as Renamed };`)).toEqual([]);
  });
});

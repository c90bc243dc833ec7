import { existsSync, type mkdirSync as MkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { ensureFolder, makeFolder } from "../../src/node/output/make-folder.ts";
import { tempFolder } from "../support/pico.ts";

/** What another process does just before a folder is made. */
let meanwhile: (path: string) => void = () => {};
const { mkdirSync } = await vi.hoisted(() => import("node:fs"));
vi.mock("node:fs", async (original) => ({
  ...(await original<object>()),
  mkdirSync: ((path: string) => {
    meanwhile(path);
    return mkdirSync(path);
  }) as typeof MkdirSync,
}));
afterEach(() => {
  meanwhile = () => {};
});

/** Another process makes the same folder first, once. */
function another(makes: string): void {
  meanwhile = (path) => {
    if (path !== makes || existsSync(path)) return;
    mkdirSync(path);
    writeFileSync(join(path, "theirs"), "");
  };
}

describe("a folder that another process makes meanwhile", () => {
  it("is taken as it is, parents too", () => {
    const folder = tempFolder();
    const [parent, path] = [join(folder, "a"), join(folder, "a/b")];
    another(path);
    expect(ensureFolder(path)).toEqual([]);
    expect(readdirSync(path)).toEqual(["theirs"]);
    another(join(folder, "c"));
    expect(ensureFolder(join(folder, "c/d"))).toEqual([join(folder, "c/d")]);
    expect(readdirSync(join(folder, "c")).sort()).toEqual(["d", "theirs"]);
    expect(existsSync(parent)).toBe(true);
  });

  it("is refused where it must be new, and the parents that others use stay", () => {
    const folder = tempFolder();
    another(join(folder, "a/b"));
    expect(() => makeFolder(join(folder, "a/b"))).toThrow(/EEXIST/);
    expect(readdirSync(join(folder, "a"))).toEqual(["b"]);
  });
});

it("a folder that cannot be made leaves no parents behind, and a file is no folder", () => {
  const folder = tempFolder();
  meanwhile = (path) => {
    if (path.endsWith("b")) throw new Error("no space");
  };
  expect(() => ensureFolder(join(folder, "a/b"))).toThrow("no space");
  expect(readdirSync(folder)).toEqual([]);
  meanwhile = (path) => writeFileSync(path, "");
  expect(() => ensureFolder(join(folder, "file"))).toThrow(/EEXIST/);
});

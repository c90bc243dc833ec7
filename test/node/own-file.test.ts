import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { isOwnFile } from "../../src/node/files/own-file.ts";
import { folderReader } from "../../src/node/input/folder-reader.ts";
import { tempFolder } from "../support/pico.ts";

/** A folder below `root` with a file `a` that is a link to `target`, which is made. */
function linking(root: string, folder: string, target: string): string {
  const home = join(root, folder);
  mkdirSync(home, { recursive: true });
  mkdirSync(dirname(join(root, target)), { recursive: true });
  writeFileSync(join(root, target), "content");
  symlinkSync(join(root, target), join(home, "a"));
  return home;
}

const REPOSITORY = "hub/models--owner--name";

describe("a folder's own files", () => {
  it.each([
    ["a link within the folder", "home", "home/b", true],
    ["a link to a folder within", "home", "home/deep/b", true],
    ["a link out of the folder", "home", "b", false],
    ["a link to a folder whose name begins alike", "home", "home-2/b", false],
    ["a snapshot of the Hub's cache", `${REPOSITORY}/snapshots/abc`, `${REPOSITORY}/blobs/b`, true],
    ["a folder in a snapshot", `${REPOSITORY}/snapshots/abc/checkpoint-1/x`, `${REPOSITORY}/blobs/b`, true],
    ["a snapshot that links out of its repository", `${REPOSITORY}/snapshots/abc`, "b", false],
    ["a snapshot that links to another repository", `${REPOSITORY}/snapshots/abc`, "hub/models--o--n/blobs/b", false],
    ["folders that only lie as the cache's do", "a/snapshots/abc", "a/blobs/b", false],
    ["blobs two folders above", "a/b/home", "a/blobs/b", false],
  ])("%s: %s to %s is %s", async (_, folder, target, own) => {
    const home = linking(tempFolder(), folder, target);
    expect(isOwnFile(home, "a")).toBe(own);
    expect((await folderReader(home)("a", 100)) !== null).toBe(own);
  });

  it("are the same when the folder itself is reached by a link", () => {
    const root = tempFolder();
    linking(root, "home", "home/b");
    symlinkSync(join(root, "home"), join(root, "way"));
    expect(isOwnFile(join(root, "way"), "a")).toBe(true);
  });

  it("are not read beyond the most bytes", async () => {
    const home = linking(tempFolder(), "home", "home/b");
    expect(await folderReader(home)("a", 6)).toBeNull();
    expect(await folderReader(home)("none", 100)).toBeNull();
  });
});

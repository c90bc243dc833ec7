import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
/** What every build step depends on besides its own inputs: the versions of compilers and bundlers. */
const SHARED = ["package.json", "package-lock.json", "tsconfig.json", "tools/if-changed.mjs"];

/**
 * Carry out a build step, unless its inputs have the contents that they had when it last ended and all its outputs are there. Every script
 * of package.json builds first, so most of them find nothing to do.
 *
 * @param name the script that calls it, such as build-library
 * @param inputs files and folders that the step reads, from the root of the project; the script itself is one
 * @param outputs files and folders that it makes
 */
export async function ifChanged(name, inputs, outputs, make) {
  const stamp = join(root, "build/stamps", name);
  const digest = digestOf([...SHARED, `tools/${name}.mjs`, ...inputs]);
  const isThere = [...outputs.map((path) => join(root, path)), stamp].every((path) => existsSync(path));
  if (isThere && readFileSync(stamp, "utf8") === digest) return;
  rmSync(stamp, { force: true });
  await make();
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, digest);
}

/** A digest of the names and contents of files, and of all files in folders. */
function digestOf(paths) {
  const hash = createHash("sha256");
  for (const path of paths.flatMap((path) => filesIn(join(root, path))).sort()) {
    hash.update(`${relative(root, path)}\0`).update(createHash("sha256").update(readFileSync(path)).digest());
  }
  return hash.digest("hex");
}

function filesIn(path) {
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

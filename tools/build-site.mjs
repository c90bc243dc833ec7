/**
 * Build the documentation site into build/site: the documents, the reference of the library, and the explorer. Links to nothing fail the
 * build. `npm run docs`; any web server can serve the folder.
 */
import { spawnSync } from "node:child_process";
import { existsSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const site = join(root, "site");
const out = join(root, "build/site");

if (!existsSync(join(site, "node_modules/vitepress")))
  run("npm", ["ci", "--no-audit", "--no-fund", "--ignore-scripts"], site);
run("npx", ["typedoc"], root);
rmSync(out, { recursive: true, force: true });
// The pages lie above the folder that has vue, which the code made of them imports.
const vue = join(root, "node_modules/vue");
const linked = !existsSync(vue);
if (linked) symlinkSync(join(site, "node_modules/vue"), vue, "dir");
try {
  run("npx", ["vitepress", "build"], site, { VITE_EXTRA_EXTENSIONS: "mjs,py" });
} finally {
  if (linked) rmSync(vue);
}

function run(program, words, cwd, more = {}) {
  const { status, error } = spawnSync(program, words, { cwd, stdio: "inherit", env: { ...process.env, ...more } });
  if (status !== 0) throw error ?? new Error(`${program} ${words.join(" ")} ended with status ${status}.`);
}

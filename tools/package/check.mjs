/**
 * Pack the package as npm would publish it, lint it, install the tarball in an empty project, and use it from there: its types with
 * the oldest and the newest TypeScript, the links of its README, merges by command line and by library on every runtime that it
 * promises, and the explorer that npx serves from the tarball.
 */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root, run } from "./run.mjs";
import { checkRuntimes, installRuntimes } from "./runtimes.mjs";
import { checkTypes } from "./types.mjs";
import { checkLinks, checkServed } from "./used.mjs";

const folder = mkdtempSync(join(tmpdir(), "lora-lego-package-"));
const project = join(folder, "project");
mkdirSync(project);
writeFileSync(join(project, "package.json"), JSON.stringify({ name: "user", private: true, type: "module" }));
const began = performance.now();
try {
  // Downloads wait for the network while the rest keeps the cores busy.
  const runtimes = installRuntimes(join(folder, "runtimes"));
  await run("npm", ["pack", "--silent", "--pack-destination", folder], root);
  const tarball = join(
    folder,
    readdirSync(folder).find((file) => file.endsWith(".tgz")),
  );
  await run("npx", ["publint", "--strict", tarball], root);
  await run("npx", ["attw", "--profile", "esm-only", "--quiet", tarball], root);
  await run("npm", ["run", "docs:api"], root);
  console.log("publint and attw find nothing to say, and typedoc makes the reference without a warning.");
  await run("npm", ["install", "--no-audit", "--no-fund", tarball], project);
  checkLinks(join(project, "node_modules/lora-lego"));
  await checkServed(tarball, folder);
  await checkTypes(project, folder);
  await checkRuntimes(project, await runtimes);
  console.log(`The packed package is as it should be (${((performance.now() - began) / 1000).toFixed(0)} s).`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** Pack the package as npm would publish it, lint it, install the tarball in an empty project, and use it from there. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "lora-lego-package-"));
const run = (command, words, cwd) => execFileSync(command, words, { cwd, encoding: "utf8" });
try {
  run("npx", ["publint", "--strict"], root);
  run("npm", ["pack", "--silent", "--pack-destination", folder], root);
  const tarball = readdirSync(folder).find((file) => file.endsWith(".tgz"));
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "user", private: true, type: "module" }));
  run("npm", ["install", "--no-audit", "--no-fund", `./${tarball}`], folder);
  const version = run("npx", ["lora-lego", "--version"], folder).trim();
  const adapters = ["reverse", "sort"].map((name) => join(root, "examples/adapters", name));
  run("npx", ["lora-lego", "merge", ...adapters, "--out", "merged"], folder);
  const script = `import { METHODS } from "lora-lego"; import { openAdapterPath } from "lora-lego/node"; import { parseTaskRows } from "lora-lego/evaluate";
    const { adapter, close } = await openAdapterPath("merged"); close(); 
    const rows = parseTaskRows('{"prompt":"a","choices":["b","c"],"answer":"c"}', "task", "file");
    console.log(METHODS.length, adapter.modules.size, rows.length);`;
  writeFileSync(join(folder, "use.mjs"), script);
  const used = run(process.execPath, ["use.mjs"], folder).trim();
  console.log(`The packed package ${version} installs, merges, and exports (methods, modules, rows: ${used}).`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

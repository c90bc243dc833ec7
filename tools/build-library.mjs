/**
 * Build the package: `npm run build:library`. The compiler writes every module into build/lib, where tools and benchmarks take internals
 * from, and the types into dist. dist gets the same code in few files: a merge loads
 * a quarter of the files, and starts in two thirds of the time.
 */
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ifChanged } from "./if-changed.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const lib = join(root, "build/lib");
const dist = join(root, "dist");

/** What dist holds, by what it is made from: what the package offers, and two modules that are found by where they lie. */
const ENTRIES = {
  index: "index",
  "node/index": "node/index",
  "node/evaluate": "node/evaluate",
  "cli/main": "cli/main",
  // Next to the chunk that starts it as "./worker.js".
  "chunks/worker": "node/threads/worker",
  // Looks for the page in "../../web".
  "node/ui/ui-server": "node/ui/ui-server",
};

await ifChanged(
  "build-library",
  ["src", "tsconfig.build.json"],
  ["build/lib/index.js", "dist/index.d.ts", "dist/cli/main.js"],
  compile,
);

async function compile() {
  // Loaded only now: it takes a while to start.
  const { rolldown } = await import("rolldown");
  if (!existsSync(lib)) rmSync(join(dist, ".tsbuildinfo"), { force: true });
  const { status } = spawnSync("npx", ["tsc", "-p", "tsconfig.build.json"], { cwd: root, stdio: "inherit" });
  if (status !== 0) process.exit(status ?? 1);

  for (const name of readdirSync(dist, { recursive: true })) {
    if (name.endsWith(".js") && !name.startsWith("web")) rmSync(join(dist, name));
  }
  const bundle = await rolldown({
    input: Object.fromEntries(Object.entries(ENTRIES).map(([name, from]) => [name, join(lib, `${from}.js`)])),
    platform: "node",
    external: /^[^./]/,
    // A dynamic import keeps a cycle of types apart in the sources; here it costs nothing.
    checks: { ineffectiveDynamicImport: false },
  });
  await bundle.write({
    dir: dist,
    entryFileNames: "[name].js",
    chunkFileNames: "chunks/[name].js",
    minifyInternalExports: false,
  });
  // npm install -g makes it executable once, in place, and a build anew must not take that away.
  chmodSync(join(dist, "cli/main.js"), 0o755);
}

/** Build the explorer into dist/web, with the example set and the glossary: `npm run build:web`. */
import { cpSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ifChanged } from "./if-changed.mjs";

const TASKS = ["cola", "mnli", "mrpc", "qnli", "qqp", "rte", "sst2"];
const root = fileURLToPath(new URL("..", import.meta.url));
const EXAMPLES = "examples/minibench/llama/all";
const GLOSSARY = "docs/glossary.md";
const out = join(root, "dist/web");

await ifChanged(
  "build-web",
  ["src", "web", EXAMPLES, GLOSSARY, "tools/markdown.mjs"],
  ["dist/web/index.html", "dist/web/glossary.html"],
  bundle,
);

async function bundle() {
  // Loaded only now: they take a while to start.
  const [{ build }, { glossaryPage }] = await Promise.all([import("vite"), import("./markdown.mjs")]);
  await build({ configFile: join(root, "web/vite.config.ts"), logLevel: "warn" });
  const listed = TASKS.map((task) => {
    const from = join(root, EXAMPLES, task);
    const to = join(out, "examples", task);
    mkdirSync(to, { recursive: true });
    cpSync(from, to, { recursive: true });
    const files = readdirSync(from).map((name) => ({
      name,
      size: statSync(join(from, name)).size,
      url: `${task}/${name}`,
    }));
    return { name: task, folders: [], files };
  });
  writeFileSync(join(out, "examples/adapters.json"), `${JSON.stringify(listed)}\n`);

  const style = readdirSync(join(out, "assets")).find((name) => /^index-.*\.css$/.test(name));
  const glossary = readFileSync(join(root, GLOSSARY), "utf8");
  writeFileSync(join(out, "glossary.html"), glossaryPage(glossary, `./assets/${style}`));
}

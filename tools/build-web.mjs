/** Build the explorer into dist/web, with the example set and the glossary: `npm run build:web`. */
import { cpSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "vite";
import { glossaryPage } from "./markdown.mjs";

const TASKS = ["cola", "mnli", "mrpc", "qnli", "qqp", "rte", "sst2"];
const root = fileURLToPath(new URL("..", import.meta.url));
const out = join(root, "dist/web");

await build({ configFile: join(root, "web/vite.config.ts"), logLevel: "warn" });
const listed = TASKS.map((task) => {
  const from = join(root, "examples/minibench/llama/all", task);
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
const glossary = readFileSync(join(root, "docs/glossary.md"), "utf8");
writeFileSync(join(out, "glossary.html"), glossaryPage(glossary, `./assets/${style}`));

/** Every merge of bench.yaml of the larger tier's adapters at the ranks named, into build/minibench/large/merges (see large.py). */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";
import { mergeToFolder } from "../../dist/node/index.js";

const root = fileURLToPath(new URL("../..", import.meta.url));
const home = join(root, "build/minibench/large");
const { merges, adapters } = parse(readFileSync(join(root, "examples/minibench/bench.yaml"), "utf8"));
const inputs = adapters.map(({ task }) => join(home, "all", task));
for (const rank of process.argv.slice(2).map(Number)) {
  for (const { method, name = method, options = {} } of merges) {
    const recipe = { method, options, target: { kind: "rank", rank } };
    const out = join(home, "merges", `${name.replaceAll(" ", "-")}-${rank}`);
    await mergeToFolder(inputs, recipe, { out, force: true });
    console.log(`${name}, rank ${rank}`);
  }
}

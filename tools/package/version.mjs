/** What `npm version` does besides package.json: the version in the sources, and the day in CHANGELOG.md. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { dated, repositoryOf } from "./notes.mjs";
import { root, run } from "./run.mjs";

const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const { version } = manifest;
repositoryOf(manifest);
const changed = {
  "src/core/version.ts": (text) => text.replace(/VERSION = ".*"/, `VERSION = "${version}"`),
  "CHANGELOG.md": (text) => dated(text, version, new Date().toISOString().slice(0, 10)),
};
for (const [file, change] of Object.entries(changed)) {
  writeFileSync(join(root, file), change(readFileSync(join(root, file), "utf8")));
}
await run("git", ["add", ...Object.keys(changed)], root);

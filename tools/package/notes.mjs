/**
 * The notes of the version in package.json, from CHANGELOG.md.
 *
 *   node tools/package/notes.mjs
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { root } from "./run.mjs";

/** The section of a version without its heading. @throws Error if there is none */
export function notesOf(changelog, version) {
  const section = changelog.split(/^## /m).find((text) => text.startsWith(`${version} `));
  if (section === undefined) throw new Error(`CHANGELOG.md has no section "## ${version} - DATE"; write one.`);
  return section.slice(section.indexOf("\n")).trim();
}

/** The changelog with the day on which a version is released. */
export function dated(changelog, version, day) {
  const heading = `## ${version} - `;
  if (!changelog.includes(heading)) notesOf(changelog, version);
  return changelog.replace(`${heading}unreleased`, `${heading}${day}`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  console.log(notesOf(readFileSync(join(root, "CHANGELOG.md"), "utf8"), version));
}

/** The address that npm compares with the place that the provenance names. @throws if package.json has none */
export function repositoryOf({ repository }) {
  const address = typeof repository === "string" ? repository : repository?.url;
  if (!address) throw new Error("package.json has no repository; add its address on GitHub (docs/releasing.md).");
  return address;
}

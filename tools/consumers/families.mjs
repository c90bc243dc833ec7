/**
 * Writes test/golden/consumers/families.json: how many weights of each family ComfyUI and diffusers find under each way to name them. The
 * tests hold `check` to these facts.
 *
 *   npm run build && node tools/consumers/families.mjs venv/bin/python ComfyUI
 */
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { DENOISERS } from "../../build/lib/families/families.js";

const [python, comfyui] = process.argv.slice(2);
if (comfyui === undefined)
  throw new Error("Pass a Python with tools/consumers/requirements.txt, and ComfyUI's folder.");
const tables = DENOISERS.filter(({ id }) => id !== "unet").map(({ id, weights, rows }) => ({ id, weights, rows }));
const judge = fileURLToPath(new URL("families.py", import.meta.url));
const answer = execFileSync(python, [judge, comfyui], {
  input: JSON.stringify(tables),
  maxBuffer: 1 << 28,
  stdio: ["pipe", "pipe", "inherit"],
}).toString();
const { versions, facts } = JSON.parse(answer);
/** By program and family: the weights that its model has, and for each way how many are right, of all and of those in blocks. */
const table = {};
for (const { program, family, weights, style, scope, right, of } of facts) {
  table[program] ??= {};
  table[program][family] ??= { weights, ways: {} };
  table[program][family].ways[style] ??= {};
  table[program][family].ways[style][scope] = [right, of];
}
const golden = fileURLToPath(new URL("../../test/golden/consumers/families.json", import.meta.url));
const programs = Object.entries(table).map(([program, families]) => {
  const lines = Object.entries(families).map(([family, found]) => `"${family}": ${JSON.stringify(found)}`);
  return `"${program}": {\n${lines.join(",\n")}\n}`;
});
writeFileSync(golden, `{"versions": ${JSON.stringify(versions)},\n${programs.join(",\n")}}\n`);
for (const { family, program, style, scope, right, of, refused } of facts) {
  console.log(`${program} ${family} ${style} (${scope}): ${refused ?? `${right} of ${of}`}`);
}

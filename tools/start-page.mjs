/**
 * The output of every command in docs/start.md, written into the page, so that it cannot grow old. A block of a page that begins with ```console
 * holds commands after "$ ", each followed by what it prints; they run in order in a folder beside a link to examples.
 *
 *   npm run build && node tools/start-page.mjs
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { loadLlama } from "../dist/node/evaluate.js";
import { writeImageAdapter } from "./start/image-adapter.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const PAGE = join(root, "docs/start.md");
const BLOCK = /^```console\n([\s\S]*?)^```$/gm;
/** Commands that need llama.cpp. Where it is not installed, the page keeps what they printed. */
const WITH_LLAMA = /^lora-lego (?:eval|bench) /;
/** Warnings and errors are part of the page; progress is not. */
const SHOWN_OF_STDERR = /^(?:warning|error): /;

/**
 * The page with what its commands print now.
 *
 * @param llama whether to run the commands that need llama.cpp
 */
export function startPage(page, llama) {
  const home = mkdtempSync(join(tmpdir(), "lora-lego-start-"));
  try {
    const folder = prepared(home);
    return page.replace(BLOCK, (_, block) => {
      const commands = block.split(/^\$ /m).filter((text) => text !== "");
      return `\`\`\`console\n${commands.map((text) => ran(text, folder, home, llama)).join("")}\`\`\``;
    });
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

/** The page without the seconds that `compare` measured. */
export function withoutTimes(page) {
  return page.replace(/ \d+\.\d\d(?= +\d+\.\d \/ )/g, " -");
}

/** A folder to work in, with two files for an image model. */
function prepared(home) {
  const folder = join(home, "play");
  mkdirSync(folder);
  symlinkSync(join(root, "examples"), join(home, "examples"));
  mkdirSync(join(home, "bin"));
  const main = join(root, "dist/cli/main.js");
  const shim = `#!/bin/sh\nexec "${process.execPath}" "${main}" "$@"\n`;
  writeFileSync(join(home, "bin/lora-lego"), shim, { mode: 0o755 });
  for (const [seed, name] of ["style", "face"].entries()) writeImageAdapter(join(folder, `${name}.safetensors`), seed);
  return folder;
}

/** One command and its output. */
function ran(text, folder, home, llama) {
  const [command] = text.split("\n");
  if (WITH_LLAMA.test(command) && !llama) return `$ ${text}`;
  const { stdout, stderr } = spawnSync("sh", ["-c", command], {
    cwd: folder,
    encoding: "utf8",
    env: { PATH: `${join(home, "bin")}:${process.env.PATH}`, NO_COLOR: "1", HOME: process.env.HOME },
  });
  const warned = stderr.split("\n").filter((line) => SHOWN_OF_STDERR.test(line));
  const printed = [...warned, ...stdout.trimEnd().split("\n")].filter(
    (line, i, all) => line !== "" || i < all.length - 1,
  );
  return `$ ${command}\n${printed.map((line) => `${line}\n`).join("")}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const llama = await loadLlama().then(
    () => true,
    () => false,
  );
  const before = readFileSync(PAGE, "utf8");
  const page = startPage(before, llama);
  // Other times alone are no change.
  if (withoutTimes(page) !== withoutTimes(before)) writeFileSync(PAGE, page);
}

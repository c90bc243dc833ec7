import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root, run } from "./run.mjs";

const OS = { linux: "linux", darwin: "darwin", win32: "win" }[process.platform];
const { arch } = process;
const bunArch = arch === "arm64" ? "aarch64" : arch;
const denoTarget = process.platform === "linux" ? `linux-${arch}-glibc` : `${process.platform}-${arch}`;

/** Runtimes beside the one that runs this: the npm package that brings the binary for this machine, and how it runs a script. */
const RUNTIMES = [
  { title: "Node 20", spec: `node-${OS}-${arch}@20`, binary: "bin/node", words: [] },
  { title: "Node 22", spec: `node-${OS}-${arch}@22`, binary: "bin/node", words: [] },
  { title: "Node 24", spec: `node-${OS}-${arch}@24`, binary: "bin/node", words: [] },
  { title: "Bun", spec: `@oven/bun-${process.platform}-${bunArch}@1`, binary: "bin/bun", words: ["run"] },
  { title: "Deno", spec: `@deno/${denoTarget}@2`, binary: "deno", words: ["run", "--allow-all"] },
];

const INPUTS = ["reverse", "sort"].map((name) => join(root, "examples/adapters", name));

/** Merges by the library: from paths on two threads, and in memory. Prints the hash of each result's weights. */
const SCRIPT = `import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { adapterFolder, memorySource, mergeInMemory, openAdapter } from "lora-lego";
import { mergeToFolder } from "lora-lego/node";
import { parseTaskRows } from "lora-lego/evaluate";
const [out, ...paths] = process.argv.slice(2);
const files = ["adapter_config.json", "adapter_model.safetensors"];
const open = (path) =>
  openAdapter(adapterFolder(path, Object.fromEntries(files.map((file) => [file, memorySource(file, readFileSync(path + "/" + file))]))));
await mergeToFolder(paths, { method: "lego" }, { out, threads: 2 });
const { weights } = await mergeInMemory(await Promise.all(paths.map(open)), { method: "lego" });
parseTaskRows('{"prompt":"a","choices":["b","c"],"answer":"c"}', "task", "file");
for (const bytes of [readFileSync(out + "/" + files[1]), weights]) console.log(createHash("sha256").update(bytes).digest("hex"));
`;

/**
 * Download the runtimes.
 *
 * @returns each with its command, or null for one that cannot be had here, and why
 */
export function installRuntimes(folder) {
  return Promise.all(
    RUNTIMES.map(async ({ title, spec, binary, words }) => {
      const home = join(folder, title.replace(" ", "-").toLowerCase());
      mkdirSync(home, { recursive: true });
      writeFileSync(join(home, "package.json"), "{}");
      try {
        await run("npm", ["install", "--no-audit", "--no-fund", "--no-save", `runtime@npm:${spec}`], home);
        return { title, command: [join(home, "node_modules/runtime", binary), ...words] };
      } catch (error) {
        return { title, command: null, why: error.message.split("\n").slice(0, 3).join(" ") };
      }
    }),
  );
}

/** Merge by command line and by library on each runtime, and compare the bytes. @throws Error where they differ, or one fails */
export async function checkRuntimes(project, installed) {
  writeFileSync(join(project, "merge.mjs"), SCRIPT);
  if (installed.every(({ command }) => command === null)) throw new Error("No other runtime could be installed.");
  const own = { title: `Node ${process.versions.node}`, command: [process.execPath] };
  const hashes = new Set();
  for (const { title, command, why } of [own, ...installed]) {
    if (command === null) {
      console.log(`${title}: skipped, for it cannot be installed here (${why}).`);
      continue;
    }
    const [program, ...words] = command;
    const out = join(project, title.replace(" ", "-"));
    const env = { DENO_DIR: join(project, "deno"), DENO_NO_UPDATE_CHECK: "1" };
    const main = join(project, "node_modules/lora-lego/dist/cli/main.js");
    const flags = ["--method", "lego", "--threads", "2", "--out", `${out}-cli`];
    await run(program, [...words, main, "merge", ...INPUTS, ...flags], project, env);
    const printed = await run(program, [...words, "merge.mjs", `${out}-library`, ...INPUTS], project, env);
    const found = [sha256(join(`${out}-cli`, "adapter_model.safetensors")), ...printed.trim().split("\n")];
    for (const hash of found) hashes.add(hash);
    console.log(
      `${title}: merges by command line, from paths and in memory, weights ${[...new Set(found)].join(", ")}`,
    );
  }
  if (hashes.size !== 1) throw new Error("The runtimes do not write the same bytes.");
}

const sha256 = (file) => createHash("sha256").update(readFileSync(file)).digest("hex");

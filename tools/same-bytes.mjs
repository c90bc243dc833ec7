/**
 * Whether two builds write the same bytes: merges, prunes, resizes, conversions, a fuse and an extract of the adapters in examples/ and,
 * where it is there, of ../shared/corpus, by the command line of each. For changes of the structure that must change no result.
 *
 *   npm run build && node tools/same-bytes.mjs OTHER    OTHER: a checkout that is built, such as the commit before
 *
 * Prints each command whose files differ or that one of the two refuses, and a count; exit code 1 where there is any.
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative, resolve } from "node:path";

const [other] = process.argv.slice(2);
if (other === undefined) {
  console.error("Name the other checkout: node tools/same-bytes.mjs OTHER");
  process.exit(2);
}
const builds = [process.cwd(), resolve(other)];
const corpus = resolve("../shared/corpus");
const ofCorpus = (...names) => names.map((name) => join(corpus, name));
const mini = (...tasks) => tasks.map((task) => resolve("examples/minibench/llama/all", task));

/** Adapters that fit each other, by what they are. */
const GROUPS = {
  "made, rank 6": mini("cola", "mnli", "sst2"),
  "GPT-2, rank 8": ofCorpus("gpt2-math", "gpt2-med", "gpt2-finance"),
  "Gemma, unequal ranks": ofCorpus("gemma-r4-qv", "gemma-r8-qv"),
  "SD 1.5, one file twice": ofCorpus("sd15-kohya-keys/new.safetensors", "sd15-diffusers/2100-lora.safetensors"),
};

/** Methods that take a quarter of an hour on convolutions and are tried on the small groups alone. */
const SLOW = new Set(["della", "della_linear", "breadcrumbs", "breadcrumbs_ties", "sce", "ctm", "knots", "pico"]);

const METHODS = JSON.parse(run(builds[1], ["methods", "--json"]).text).map(({ id }) => id);
const top = mkdtempSync(join(tmpdir(), "lora-lego-bytes-"));
let [same, refused, different] = [0, 0, 0];
try {
  for (const [group, adapters] of Object.entries(GROUPS)) {
    if (!adapters.every((path) => existsSync(path))) {
      console.log(`${group}: not here, skipped`);
      continue;
    }
    for (const command of commandsOf(adapters, group.startsWith("SD"))) compare(group, command);
  }
  const base = resolve("examples/base");
  compare("example", ["fuse", resolve("examples/adapters/sort"), "--base", base]);
  const tuned = join(top, "tuned");
  run(builds[1], ["fuse", resolve("examples/adapters/sort"), "--base", base, "--out", tuned]);
  compare("example", ["extract", "--base", base, "--tuned", tuned, "--rank", "4"]);
} finally {
  rmSync(top, { recursive: true, force: true });
}
console.log(`${same} alike, ${refused} refused by both in the same words, ${different} different`);
process.exitCode = different > 0 ? 1 : 0;

function commandsOf(adapters, large) {
  const [first, second] = adapters;
  const merges = METHODS.filter((id) => !(large && SLOW.has(id))).map((id) => ["merge", ...adapters, "--method", id]);
  return [
    ...merges,
    ["merge", ...adapters, "--method", "lego", "--rank", "5", "--gauge", "svd"],
    ["merge", ...adapters, "--energy", "sv_fro=0.9", "--rank-layout", "pattern", "--method", "svd"],
    ["merge", ...adapters, "--method", "cat", "--weights", adapters.map((_, t) => (t === 0 ? -1.5 : 2)).join()],
    ["merge", first, second, "--method", "lego", "--dtype", "bf16", "--scale", "0.5", "--after", "svc"],
    ["prune", first, "--keep", "0.5"],
    ["resize", first, "--rank", "3"],
    ["convert", first, "--to", "peft"],
    ["convert", first, "--to", "kohya", "--suffix", ".safetensors"],
    ["convert", first, "--to", "diffusers"],
    ["convert", first, "--to", "mlx"],
  ];
}

function compare(group, command) {
  const at = command.indexOf("--suffix");
  const suffix = at < 0 ? "" : command[at + 1];
  const args = at < 0 ? command : command.toSpliced(at, 2);
  const shown = [group, ...args.map((word) => relative(process.cwd(), word) || word)].join(" ");
  const [one, two] = builds.map((build) => {
    const out = join(top, `out${suffix}`);
    rmSync(out, { recursive: true, force: true });
    const { status, errors } = run(build, [...args, "--out", out]);
    return status === 0 ? digests(out) : { refused: errors };
  });
  if (JSON.stringify(one) !== JSON.stringify(two)) {
    different++;
    console.log(`DIFFERENT: ${shown}\n  ${JSON.stringify(one)}\n  ${JSON.stringify(two)}`);
  } else if ("refused" in one) refused++;
  else same++;
}

function run(build, args) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(build, "dist/cli/main.js"), ...args], {
    encoding: "utf8",
    env: { ...process.env, NO_COLOR: "1" },
    maxBuffer: 1 << 28,
  });
  return { status, text: stdout, errors: stderr };
}

/** SHA-256 of a file, or of all in a folder, by name. */
function digests(path) {
  const of = (file) => createHash("sha256").update(readFileSync(file)).digest("hex");
  if (!statSync(path).isDirectory()) return { "": of(path) };
  return Object.fromEntries(
    readdirSync(path, { recursive: true })
      .filter((name) => statSync(join(path, name)).isFile())
      .sort()
      .map((name) => [name, of(join(path, name))]),
  );
}

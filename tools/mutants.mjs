/**
 * Which changes of the code no test notices: StrykerJS over one room, or some files of it, in a copy of the tree under the system's
 * temporary folder. It needs Linux (hard links) and the package registry, for StrykerJS is installed into the copy alone.
 *
 *   npm run test:mutants -- convert                  a room: src/convert by its tests
 *   npm run test:mutants -- lanes src/lanes/lane.ts  some of its files
 *
 * The report (build/mutants-<room>.json, the schema of mutation-testing-elements) and the surviving mutants on stdout. A room takes a
 * quarter of an hour to an hour of one core, at low priority; give files to have it in parts.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { copyFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { setPriority, tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";

/** StrykerJS 9 runs on Node 20; 10 does not. */
const STRYKER = ["@stryker-mutator/core@9", "@stryker-mutator/vitest-runner@9"];

/** Tests that run a room's code from its source; those of the command line run the built package, which no mutant reaches. */
const TESTS = {
  convert: ["test/convert/**", "test/adapter/kinds.test.ts", "test/plan/{expert-ranks,output-config}.test.ts"],
  recipe: ["test/recipe/**", "test/plan/plan.test.ts"],
  plan: ["test/{recipe,plan,merge}/**", "test/convert/**", "test/methods/auto.test.ts"],
  lanes: ["test/{lanes,merge,plan,report,browser}/**", "test/methods/invariants.test.ts"],
  report: ["test/{report,merge}/**"],
  merge: ["test/{merge,report,plan}/**", "test/methods/invariants.test.ts"],
  units: ["test/units/**", "test/methods/{invariants,dense,finish}.test.ts", "test/convert/deltas.test.ts"],
  adapter: ["test/adapter/**", "test/analysis/check*.test.ts"],
};

/** Rooms of tables: what is evaluated once, on loading, is left out, since each change of it would need all tests. */
const WITHOUT_STATIC = ["adapter"];

/** Messages' words are not tested letter by letter. */
const EXCLUDED = ["StringLiteral", "Regex"];

const [room, ...files] = process.argv.slice(2);
const tests = TESTS[room];
if (tests === undefined) {
  console.error(`Name a room: ${Object.keys(TESTS).join(", ")}.`);
  process.exit(2);
}
setPriority(19);
const top = mkdtempSync(join(tmpdir(), "lora-lego-mutants-"));
try {
  const tree = copyOfTree(top);
  const report = run(tree);
  mkdirSync("build", { recursive: true });
  copyFileSync(report, `build/mutants-${room}.json`);
  console.log(`build/mutants-${room}.json`);
} finally {
  rmSync(top, { recursive: true, force: true });
}

/** The tracked files and what is built of them, beside the shared inputs, with packages as hard links. */
function copyOfTree(folder) {
  const tree = join(folder, "tree");
  const tracked = execFileSync("git", [
    "ls-files",
    "-z",
    "src",
    "test",
    "docs",
    "examples",
    "package.json",
    "package-lock.json",
    "tsconfig.json",
  ]);
  for (const file of [...tracked.toString().split("\0").filter(Boolean), "src/kernels/wasm-bytes.ts"]) {
    if (!existsSync(file)) continue;
    mkdirSync(dirname(join(tree, file)), { recursive: true });
    cpSync(file, join(tree, file));
  }
  if (existsSync("../shared")) symlinkSync(resolve("../shared"), join(folder, "shared"));
  execFileSync("cp", ["-al", "node_modules", join(tree, "node_modules")]);
  // npm writes this list in place, which would change that of the packages here too.
  rmSync(join(tree, "node_modules/.package-lock.json"), { force: true });
  execFileSync("npm", ["install", "--no-save", "--no-audit", "--no-fund", ...STRYKER], { cwd: tree, stdio: "inherit" });
  return tree;
}

function run(tree) {
  const test = {
    include: tests.map((glob) => (glob.endsWith("**") ? `${glob}/*.test.ts` : glob)),
    // Files that share modules load them once for a mutant, not once for each file; those that have to be alone cannot.
    exclude: ["**/*.alone.test.ts"],
    isolate: false,
    testTimeout: 60000,
  };
  writeFileSync(join(tree, "vitest.mutants.config.mjs"), `export default ${JSON.stringify({ test })};\n`);
  const options = {
    testRunner: "vitest",
    vitest: { configFile: "vitest.mutants.config.mjs", related: false },
    mutate: files.length > 0 ? files : [`src/${room}/**/*.ts`],
    mutator: { excludedMutations: EXCLUDED },
    coverageAnalysis: "perTest",
    ignoreStatic: WITHOUT_STATIC.includes(room),
    concurrency: 1,
    // A test run that times out counts as a mutant that was noticed, so a busy machine must not cause one.
    timeoutMS: 40000,
    reporters: ["clear-text", "json", "progress-append-only"],
    clearTextReporter: { allowColor: false, logTests: false },
    jsonReporter: { fileName: "mutants.json" },
  };
  writeFileSync(join(tree, "stryker.conf.json"), JSON.stringify(options));
  const { status } = spawnSync("npx", ["stryker", "run", "stryker.conf.json"], { cwd: tree, stdio: "inherit" });
  if (status !== 0) throw new Error(`StrykerJS ended with status ${status}.`);
  return join(tree, "mutants.json");
}

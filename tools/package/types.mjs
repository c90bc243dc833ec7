import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root, run } from "./run.mjs";

/** The oldest TypeScript that the types are promised for. */
const OLDEST = "5.6";

/** A user's program: every entry as a whole, and some use of each. */
const PROGRAM = `export * as anywhere from "lora-lego";
export * as node from "lora-lego/node";
export * as evaluate from "lora-lego/evaluate";
import { defineMethod, type MergeReport, type Recipe } from "lora-lego";
import { mergeToFolder } from "lora-lego/node";
import { parseTaskRows, type TaskRow } from "lora-lego/evaluate";
declare module "lora-lego" {
  interface MethodOptions {
    own: { half: "a" | "b" };
  }
}
export const recipes: Recipe[] = [
  { method: "own", options: { half: "b" } },
  // @ts-expect-error: there is no such method
  { method: "legoo" },
  // @ts-expect-error: there is no such option
  { method: "lego", options: { gaugee: 1 } },
  // @ts-expect-error: no such value
  { method: "own", options: { half: "c" } },
];
const recipe: Recipe = { method: "lego", options: { gauge: "balanced" }, target: { kind: "rank", rank: 8 } };
export const report: Promise<MergeReport> = mergeToFolder(["a", "b"], recipe, { out: "c" }).then((done) => done.report);
export const rows: readonly TaskRow[] = parseTaskRows("{}", "task", "file");
export const own = defineMethod({
  id: "own", title: "Own", reference: "here", dependsOn: "delta", single: "exact", weights: "linear",
  parameters: { half: { type: "choice", choices: ["a", "b"], default: "a", description: "a half" } },
  merge: async (pool, { options }) => ({ combinations: null, rows: options.half === "a" ? pool.emptyRows(1) : null }),
});
`;

const CONFIG = {
  compilerOptions: {
    strict: true,
    exactOptionalPropertyTypes: true,
    noEmit: true,
    skipLibCheck: false,
    target: "ES2022",
    lib: ["ES2022", "DOM"],
    module: "NodeNext",
    // Nothing of Node: @types/node is not even installed.
    types: [],
  },
  files: ["use.ts"],
};

/** Type-check a use of the installed package, its declarations included, by the oldest and the newest TypeScript. */
export async function checkTypes(project, folder) {
  writeFileSync(join(project, "use.ts"), PROGRAM);
  writeFileSync(join(project, "tsconfig.json"), JSON.stringify(CONFIG));
  const oldest = join(folder, "typescript");
  mkdirSync(oldest);
  writeFileSync(join(oldest, "package.json"), "{}");
  await run("npm", ["install", "--no-audit", "--no-fund", "--no-save", `typescript@${OLDEST}`], oldest);
  for (const home of [oldest, root]) {
    const tsc = join(home, "node_modules/typescript/bin/tsc");
    await run(process.execPath, [tsc, "-p", "tsconfig.json"], project);
    const version = (await run(process.execPath, [tsc, "--version"], project)).trim();
    console.log(`The types pass TypeScript's ${version}, without skipLibCheck and @types/node.`);
  }
}

import { execFile } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import ts from "typescript";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type DocExample, docExamples } from "./support/doc-examples.ts";
import { MockHub, TOKEN } from "./support/mock-hub.ts";
import { PUBLIC_ENTRIES } from "./support/public-entries.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const found = docExamples(PUBLIC_ENTRIES);
const examples = [...found.values()].flat();
/** A user's project, which has the built package, the small inputs of examples/, and a llama.cpp that makes its answers up. */
const project = mkdtempSync(join(tmpdir(), "lora-lego-docs-"));
afterAll(() => rmSync(project, { recursive: true }));

const compiled = (code: string): string =>
  ts.transpileModule(code, { compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext } })
    .outputText;

/** Runs every example in turn; prints what each printed, as JSON. */
const RUNNER = `import { format } from "node:util";
const done = {};
for (const name of process.argv.slice(2)) {
  const lines = [];
  console.log = (...values) => lines.push(format(...values));
  try { await import("./" + name + ".js"); } catch (error) { lines.push(String(error.stack)); }
  done[name] = lines;
}
process.stdout.write(JSON.stringify(done));`;

let printed: Record<string, string[]> = {};

beforeAll(async () => {
  for (const folder of ["adapters", "base"])
    cpSync(join(root, "examples", folder), join(project, folder), { recursive: true });
  for (const [from, to] of [
    ["llama/base", "model"],
    ["llama/all/cola", "cola"],
    ["llama/all/mnli", "mnli"],
  ] as const) {
    cpSync(join(root, "examples/minibench", from), join(project, to), { recursive: true });
  }
  mkdirSync(join(project, "node_modules/node-llama-cpp"), { recursive: true });
  for (const name of ["zod", "@types"])
    symlinkSync(join(root, "node_modules", name), join(project, "node_modules", name));
  symlinkSync(root, join(project, "node_modules/lora-lego"), "dir");
  const llama = compiled(readFileSync(join(root, "test/support/fake-llama.ts"), "utf8"));
  const llamaFolder = join(project, "node_modules/node-llama-cpp");
  writeFileSync(join(llamaFolder, "package.json"), JSON.stringify({ type: "module", main: "index.js" }));
  writeFileSync(join(llamaFolder, "index.js"), `${llama}\nexport const { getLlama } = fakeLlama();\n`);
  writeFileSync(join(project, "package.json"), JSON.stringify({ type: "module" }));
  writeFileSync(join(project, "runner.js"), RUNNER);
  for (const { name, code } of examples) {
    writeFileSync(join(project, `${name}.ts`), `${code}\nexport {};\n`);
    writeFileSync(join(project, `${name}.js`), compiled(code));
  }
  const sort = join(root, "examples/adapters/sort");
  const files = Object.fromEntries(
    readdirSync(sort).map((file) => [file, new Uint8Array(readFileSync(join(sort, file)))]),
  );
  const hub = await MockHub.start({ "alice/sort": { files } });
  const env = { PATH: process.env.PATH, HF_ENDPOINT: hub.endpoint, HF_TOKEN: TOKEN, HF_HOME: join(project, "hub") };
  const names = examples.map(({ name }) => name);
  const { stdout } = await promisify(execFile)(process.execPath, ["runner.js", ...names], {
    cwd: project,
    env,
  }).finally(() => hub.stop());
  printed = JSON.parse(stdout);
}, 120_000);

describe("the docstrings of public functions", () => {
  it("have an example each, which says what it prints", () => {
    expect(Array.from(found, ([name, own]) => (own.length === 1 ? null : name)).filter(Boolean)).toEqual([]);
    expect(examples.filter((example) => example.printed.length === 0).map(({ name }) => name)).toEqual([]);
    expect(examples.length).toBeGreaterThan(40);
  });

  it.each(examples)("say truly what the example of $name prints", ({ name, printed: said }: DocExample) => {
    expect(printed[name]).toEqual(said);
  });

  it("type-check", () => {
    const files = examples.map(({ name }) => join(project, `${name}.ts`));
    const program = ts.createProgram(files, {
      target: ts.ScriptTarget.ES2022,
      module: ts.ModuleKind.NodeNext,
      strict: true,
      noUncheckedIndexedAccess: true,
      exactOptionalPropertyTypes: true,
      skipLibCheck: true,
      noEmit: true,
      types: ["node"],
      typeRoots: [join(root, "node_modules/@types")],
    });
    const mistakes = ts.getPreEmitDiagnostics(program).map(({ file, messageText }) => {
      return `${file?.fileName.slice(project.length + 1)}: ${ts.flattenDiagnosticMessageText(messageText, " ")}`;
    });
    expect(mistakes).toEqual([]);
  });
});

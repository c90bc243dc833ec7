import { readFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { describe, expect, it } from "vitest";
import { importsOf, namesIn, readSources, resolveImport, type Sources, wordsIn } from "./support/imports.ts";

/** The rooms of DESIGN.md, each line standing on the ones above it. */
const ROOMS = [
  ["core"],
  ["kernels"],
  ["linalg"],
  ["figures"],
  ["formats"],
  ["families"],
  ["adapter"],
  ["units"],
  ["convert"],
  ["methods"],
  ["recipe"],
  ["plan"],
  ["lanes"],
  ["report"],
  ["merge"],
  ["fuse"],
  ["analysis"],
  ["evaluate"],
  ["remote"],
  ["node", "browser"],
  ["queue"],
  ["cli"],
];
/** The parts of src/node, each line standing on the ones above it; files beside them stand on all. */
const PARTS_OF_NODE = [["call"], ["files"], ["remote"], ["input"], ["output"], ["threads"], ["evaluate", "ui"]];
const ON_A_MACHINE = ["node", "queue", "cli"];
/** What runs anywhere: the package's front door stands above all rooms that do. */
const FRONT_DOOR = "src/index.ts";

/** node-llama-cpp, which users install beside the package, is imported from where it is found. */
const LLAMA = "(computed: found)";
/** A method from outside, which a worker imports from where its user keeps it. */
const METHOD = "(computed: module)";
/** The rooms that may import a package. What is not listed may be imported by none. */
const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  "@huggingface/hub": ["node"],
  [LLAMA]: ["node"],
  [METHOD]: ["node"],
  bullmq: ["queue"],
  commander: ["cli"],
  picocolors: ["cli"],
  "cli-progress": ["cli"],
  "cli-table3": ["cli"],
};
/** Packages that any room may name in types and load when it needs them, but not at start-up. */
const LATE = ["zod", "yaml", "jsonc-parser", "hash-wasm"];
/** Globals that only Node has, or only a page. */
const HOME_GLOBALS = ["process", "Buffer", "require", "__dirname", "__filename", "setImmediate", "document", "window"];

const level = (room: string): number => ROOMS.findIndex((rooms) => rooms.includes(room));
const roomOf = (path: string): string => path.split("/")[1]!;

/** Whether a file of the front door or of a room may import from `path`. */
function mayImport(from: string, path: string): boolean {
  if (path === FRONT_DOOR) return false;
  const [room, other] = [roomOf(from), roomOf(path)];
  return from === FRONT_DOOR
    ? level(other) < level("node")
    : room === other || (level(other) >= 0 && level(other) < level(room));
}

/** What one import breaks, or null. */
function broken(sources: Sources, from: string, specifier: string, early: boolean): string | null {
  const room = roomOf(from);
  if (specifier.startsWith(".")) {
    const path = resolveImport(from, specifier);
    if (!sources.has(path)) return `${from} imports ${specifier}, which is no file`;
    return mayImport(from, path) ? null : `${from} imports ${path}, which does not stand above it`;
  }
  if (isBuiltin(specifier)) {
    if (!specifier.startsWith("node:")) return `${from} imports ${specifier} without node:`;
    return ON_A_MACHINE.includes(room) ? null : `${from} imports ${specifier}, which only Node has`;
  }
  if (LATE.includes(specifier)) return early ? `${from} imports ${specifier} at start-up` : null;
  return PACKAGES[specifier]?.includes(room) ? null : `${from} imports ${specifier}, which is not for ${room}`;
}

/** Every import of a part of src/node from one that stands on it. */
function upwardImports(sources: Sources): string[] {
  const levelOf = (path: string): number => {
    const part = /^src\/node\/([^/]+)\//.exec(path)?.[1];
    return part === undefined ? -1 : PARTS_OF_NODE.findIndex((parts) => parts.includes(part));
  };
  return Array.from(sources, ([from, source]) =>
    importsOf(source).flatMap(({ specifier }) => {
      const path = specifier.startsWith(".") ? resolveImport(from, specifier) : "";
      return levelOf(from) >= 0 && levelOf(path) > levelOf(from) ? [`${from} imports ${path}`] : [];
    }),
  ).flat();
}

/** Every import that breaks a rule. */
function brokenImports(sources: Sources): string[] {
  return Array.from(sources, ([from, source]) =>
    importsOf(source).flatMap(
      ({ specifier, type, dynamic }) => broken(sources, from, specifier, !type && !dynamic) ?? [],
    ),
  ).flat();
}

/** The first cycle of imports, types included, as its files in order; null where there is none. */
function findCycle(sources: Sources): string[] | null {
  const done = new Set<string>();
  const search = (path: string, above: readonly string[]): string[] | null => {
    if (above.includes(path)) return [...above.slice(above.indexOf(path)), path];
    if (done.has(path)) return null;
    done.add(path);
    for (const { specifier } of importsOf(sources.get(path)!)) {
      const next = specifier.startsWith(".") ? resolveImport(path, specifier) : "";
      const cycle = sources.has(next) ? search(next, [...above, path]) : null;
      if (cycle !== null) return cycle;
    }
    return null;
  };
  for (const path of sources.keys()) {
    const cycle = search(path, []);
    if (cycle !== null) return cycle;
  }
  return null;
}

/** What of node:fs changes the disk; a file is opened for writing by openSync too. */
const WRITING = /^(write|append|truncate|ftruncate|rename|copyFile|cp|link|symlink|createWriteStream|open$|openSync)/;
/** The doors through which files are written: complete or not at all, and never over an input or a foreign file. */
const DOORS = [
  ...["output-folder", "output-file", "write-whole", "unfinished", "file-sink"].map(
    (name) => `src/node/output/${name}.ts`,
  ),
  ...["blob", "hub-cache", "web-cache"].map((name) => `src/node/remote/${name}.ts`),
];
/** What opens files for reading alone. */
const READERS = ["files/regular-file", "files/read-text", "output/flush"].map((name) => `src/node/${name}.ts`);

/** A source without its docstrings, whose examples print. */
const withoutDocs = (source: string): string => source.replace(/^ *\/\*\*[\s\S]*?\*\//gm, "");

/** Every import of a function that writes files, past the doors. */
function writers(sources: Sources): string[] {
  return Array.from(sources, ([path, text]) => {
    const source = withoutDocs(text);
    const names = /import \{([^}]*)\} from "node:fs(?:\/promises)?"/.exec(source)?.[1]?.split(",") ?? [];
    const whole = /import (?:\* as )?\w+ from "node:fs|from "node:fs\/promises"/.test(source);
    const found = names.map((name) => name.trim()).filter((name) => WRITING.test(name));
    return [...found, ...(whole ? ["node:fs"] : [])].map((name) => `${path} uses ${name}`);
  }).flat();
}

function homeGlobals(sources: Sources): string[] {
  return Array.from(sources, ([path, source]) => {
    if (ON_A_MACHINE.includes(roomOf(path))) return [];
    const names = namesIn(source);
    return HOME_GLOBALS.filter((name) => names.has(name)).map((name) => `${path} uses ${name}`);
  }).flat();
}

const sources = readSources("src");

describe("src", () => {
  it("consists of the rooms of DESIGN.md and the front door", () => {
    const strangers = [...sources.keys()].filter((path) => path !== FRONT_DOOR && level(roomOf(path)) < 0);
    expect(strangers).toEqual([]);
    expect(sources.size).toBeGreaterThan(60);
  });

  it("imports along the arrows only, Node's modules in src/node and src/cli, and packages where they belong", () => {
    expect(brokenImports(sources)).toEqual([]);
  });

  it("imports among the parts of src/node along their order only", () => {
    const parts = new Set([...sources.keys()].flatMap((path) => /^src\/node\/([^/]+)\//.exec(path)?.[1] ?? []));
    expect([...parts].sort()).toEqual(PARTS_OF_NODE.flat().sort());
    expect(upwardImports(sources)).toEqual([]);
  });

  it("has no cycle of imports between files, types included", () => {
    expect(findCycle(sources)).toBeNull();
  });

  it("uses no global that only Node or only a page has, outside src/node and src/cli", () => {
    expect(homeGlobals(sources)).toEqual([]);
  });

  it("writes files through its doors alone", () => {
    const closed = (path: string): boolean => ![...DOORS, ...READERS].includes(path);
    expect(writers(new Map([...sources].filter(([path]) => closed(path))))).toEqual([]);
    for (const door of DOORS) expect(writers(new Map([[door, sources.get(door)!]])), door).not.toEqual([]);
  });

  it("prints through src/cli/terminal.ts alone, which filters what could steer a terminal", () => {
    const printers = [...sources].filter(([, source]) =>
      /\bconsole\.|process\.std(out|err)\.write/.test(withoutDocs(source)),
    );
    expect(printers.map(([path]) => path)).toEqual(["src/cli/terminal.ts"]);
  });

  it("imports no package at run time that is not among the dependencies, or one that users may add", () => {
    const { dependencies, peerDependencies } = JSON.parse(
      readFileSync(new URL("../package.json", import.meta.url), "utf8"),
    );
    const used = [...sources.values()].flatMap((source) =>
      importsOf(source).flatMap(({ specifier, type }) =>
        type || specifier.startsWith(".") || [LLAMA, METHOD].includes(specifier) || isBuiltin(specifier)
          ? []
          : [specifier],
      ),
    );
    expect(used.filter((name) => !(name in dependencies || name in peerDependencies))).toEqual([]);
    expect(new Set(used)).toContain("commander");
  });
});

describe("YAML", () => {
  it("is read through one door, which bounds what hostile text costs", () => {
    const users = [...sources].filter(([, source]) =>
      importsOf(source).some(({ specifier, type }) => specifier === "yaml" && !type),
    );
    expect(users.map(([path]) => path)).toEqual(["src/formats/yaml/placed-yaml.ts"]);
  });
});

describe("A PEFT folder", () => {
  const PEFT_FOLDER = "src/formats/peft-folder/";
  /** Parts of the names of its files and keys, in regular expressions too. */
  const NAMES =
    /adapter_(config|model)|base_model\\?\.model\\?\.|\.\(?(base_layer|original_module|token_adapter|modules_to_save)/;
  /** r and bias are words of others too, and use_dora is the name of a variant, and a field of mlx-lm's. */
  const FIELDS =
    /^(peft_type|task_type|base_model_name_or_path|lora_(alpha|dropout)|target_modules|fan_in_fan_out|use_rslora|(rank|alpha)_pattern|modules_to_save|inference_mode)$/;
  const says = (source: string): boolean => wordsIn(source).some((word) => NAMES.test(word) || FIELDS.test(word));

  it("is known in its own place alone: names of files, prefix of keys, fields of the config", () => {
    const all = new Map([...sources, ...readSources("web/state")]);
    const knowing = [...all].filter(([, source]) => says(source)).map(([path]) => path);
    expect(knowing.filter((path) => !path.startsWith(PEFT_FOLDER))).toEqual([]);
    for (const file of ["files", "keys", "inner-keys", "read-config", "write-config"])
      expect(knowing).toContain(`${PEFT_FOLDER}${file}.ts`);
  });

  it.each([
    'const file = "adapter_config.json";',
    "const text = `has no adapter_model.bin`;",
    "const prefix = /^(?:base_model\\.model\\.)+/;",
    'const own = key.replace(".base_layer.", ".");',
    "const copied = /\\.(original_module|base_layer)\\./.test(key);",
    "const base = config.base_model_name_or_path;",
    'const { rank_pattern: ranks } = fields; const bias = fields["lora_alpha"];',
  ])("shows in code: %s", (source) => {
    expect(says(source)).toBe(true);
  });

  it.each(["/** adapter_config.json of base_model.model.x */", 'const text = "reads no rank_pattern";'])(
    "does not show in comments and prose: %s",
    (source) => {
      expect(says(source)).toBe(false);
    },
  );
});

describe("the rules", () => {
  const broken = (path: string, source: string): string[] =>
    brokenImports(
      new Map([
        ["src/core/bytes.ts", ""],
        ["src/plan/plan.ts", ""],
        ["src/index.ts", ""],
        [path, source],
      ]),
    );

  it.each([
    ["src/core/x.ts", 'import { a } from "../plan/plan.ts";'],
    ["src/core/x.ts", 'import type { A } from "../plan/plan.ts";'],
    ["src/core/x.ts", 'export * from "../plan/plan.ts";'],
    ["src/core/x.ts", 'export { a } from "../plan/plan.ts";'],
    ["src/core/x.ts", 'const a = await import("../plan/plan.ts");'],
    ["src/core/x.ts", 'const f = (x: import("../plan/plan.ts").Plan) => x;'],
    ["src/core/x.ts", "const a = await import(name);"],
    ["src/cli/x.ts", 'import { a } from "../index.ts";'],
    ["src/merge/x.ts", 'import { a } from "../core/missing.ts";'],
    ["src/merge/x.ts", 'import { a } from "../core/bytes.js";'],
    ["src/merge/x.ts", 'import { a } from "../../test/support/pico.ts";'],
    ["src/merge/x.ts", 'import "node:fs";'],
    ["src/merge/x.ts", 'import type { Stats } from "node:fs";'],
    ["src/node/x.ts", 'import { join } from "path";'],
    ["src/merge/x.ts", 'import pc from "picocolors";'],
    ["src/node/x.ts", 'import { Command } from "commander";'],
    ["src/cli/x.ts", 'import { x } from "left-pad";'],
    ["src/cli/x.ts", 'import { z } from "zod";'],
    ["src/cli/x.ts", 'import { type ZodType, z } from "zod";'],
    ["src/cli/x.ts", 'import "zod";'],
  ])("find what is wrong in %s: %s", (path, source) => {
    expect(broken(path, source)).toHaveLength(1);
  });

  it.each([
    ["src/plan/x.ts", 'import { a } from "../core/bytes.ts"; import { b } from "./plan.ts";'],
    ["src/index.ts", 'export { a } from "./plan/plan.ts";'],
    ["src/node/x.ts", 'import { join } from "node:path"; import { a } from "../plan/plan.ts";'],
    ["src/cli/x.ts", 'import pc from "picocolors"; import { join } from "node:path";'],
    ["src/methods/x.ts", 'import type { z } from "zod"; type T = import("zod").ZodType;'],
    ["src/methods/x.ts", 'import { type ZodType } from "zod";'],
    ["src/cli/x.ts", 'const { z } = await import("zod");'],
    ["src/core/x.ts", '// import "node:fs";\nconst text = `import "node:fs"`;'],
  ])("let pass %s: %s", (path, source) => {
    expect(broken(path, source)).toEqual([]);
  });

  it("find a front door that opens to what runs on one home only", () => {
    const sources = new Map([
      ["src/node/x.ts", ""],
      ["src/index.ts", 'export * from "./node/x.ts";'],
    ]);
    expect(brokenImports(sources)).toHaveLength(1);
  });

  it("find an import of a part of src/node that stands above", () => {
    const from = (path: string): string[] =>
      upwardImports(new Map([[path, 'import type { A } from "../output/own.ts";']]));
    expect(from("src/node/input/x.ts")).toEqual(["src/node/input/x.ts imports src/node/output/own.ts"]);
    expect(from("src/node/ui/x.ts")).toEqual([]);
  });

  it("find cycles, through types and import() too", () => {
    const sources = new Map([
      ["src/core/a.ts", 'import "./b.ts";'],
      ["src/core/b.ts", 'import type { C } from "./c.ts";'],
      ["src/core/c.ts", 'await import("./b.ts");'],
    ]);
    expect(findCycle(sources)).toEqual(["src/core/b.ts", "src/core/c.ts", "src/core/b.ts"]);
  });

  it("tell globals from properties of the same name", () => {
    const found = (source: string): string[] => homeGlobals(new Map([["src/core/x.ts", source]]));
    expect(found("process.exit(1);")).toEqual(["src/core/x.ts uses process"]);
    expect(found("globalThis.document.title;")).toEqual(["src/core/x.ts uses document"]);
    expect(found("const x = { process: 1 }; x.process; interface Y { window: number }")).toEqual([]);
  });
});

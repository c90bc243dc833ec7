import { kebab } from "../core/kebab.ts";
import { shellPath, shellWord } from "../core/shell-word.ts";
import { DEFAULT_METHOD, type Method } from "../methods/method.ts";
import type { Fix } from "../plan/warning.ts";
import { RANK_FIELDS } from "../recipe/recipe-fields.ts";
import type { AnyFix } from "./fixes.ts";
import { reportFlag } from "./report-beside.ts";

/** A merge that was made, as commands name it. */
export interface MadeMerge {
  /** The command that made it. */
  readonly verb: string;
  readonly paths: readonly string[];
  /** Where its result is. */
  readonly out: string;
  /** The options of its method. */
  readonly ofMethod: readonly string[];
  /** Its method, where that is known and commands are to write the report that an audit of the result needs. */
  readonly method?: Pick<Method, "cut">;
  /** Whether its rank is the one that `--method auto` takes by itself. */
  readonly rankByAuto?: boolean;
  /** Its flags, for a shell. @param takes whether the flag of this name is wanted */
  words(takes: (name: string) => boolean): readonly string[];
  /** A path like this one where nothing is yet; never the same twice. */
  free(path: string): string;
}

/** What it takes to read and write GGUF files again; BASE stands for the base model's folder, which nothing names. */
export const GGUF_FLAG = { name: "baseConfig", words: ["--base-config", "BASE/config.json"] } as const;

/** Flags that go with a method, besides its options. */
const WITH_METHOD = ["method", "preset", "scale"];
/** Flags that say how an adapter is read, and what becomes of its other tensors. */
const OF_INPUTS = ["extras", "stream", "baseConfig"];

/** The command line that mends a merge, to copy. It writes to a place of its own. */
export function fixCommand(fix: AnyFix, made: MadeMerge): string {
  if ("factor" in fix) return scaled(made.out, fix.factor, made.free(made.out), baseOnly(made));
  if ("energy" in fix) {
    const layout = fix.rankLayout === undefined ? [] : ["--rank-layout", fix.rankLayout];
    const words = [shellPath(made.out), "--energy", fix.energy, ...layout, ...baseOnly(made)];
    return `lora-lego resize ${words.join(" ")} --out ${shellPath(made.free(made.out))}`;
  }
  return mergedAgain(fix, made);
}

function mergedAgain({ why: _, options = {}, sizes, leaves = [], weights, ...others }: Fix, made: MadeMerge): string {
  const stays = <T>(_value: T, t: number): boolean => !leaves.includes(t);
  const weighted = weights?.filter(stays);
  const fields = { ...others, ...(weighted?.some((weight) => weight !== 1) && { weights: weighted }) };
  const without = new Set([
    ...Object.keys(fields),
    ...(weights === undefined ? [] : ["weights"]),
    ...Object.keys(options),
    ...(fields.rank === undefined && !(fields.method === DEFAULT_METHOD && made.rankByAuto) ? [] : RANK_FIELDS),
    ...(fields.method === undefined ? [] : [...WITH_METHOD, ...made.ofMethod]),
  ]);
  const first: string[] = [];
  const paths = made.paths.map((path, t) => {
    const size = sizes?.[t] ?? 1;
    if (size === 1) return path;
    const own = made.free(beside(made.out, path));
    first.push(
      scaled(
        path,
        size,
        own,
        made.words((name) => OF_INPUTS.includes(name)),
      ),
    );
    return own;
  });
  const { method, ...unnamed } = fields;
  const said = method === DEFAULT_METHOD ? unnamed : fields;
  const flags = Object.entries({ ...said, ...options }).flatMap(([name, value]) => [
    `--${kebab(name)}`,
    shellWord(String(value)),
  ]);
  const words = [...paths.filter(stays).map(shellPath), ...made.words((name) => !without.has(name)), ...flags];
  const out = made.free(made.out);
  const report = method === undefined && made.method !== undefined ? reportFlag(made.method, out) : [];
  const merge = `lora-lego ${made.verb} ${[...words, ...report, "--out", shellPath(out)].join(" ")}`;
  return [...first, merge].join(" && ");
}

function scaled(path: string, factor: number, out: string, words: readonly string[]): string {
  return ["lora-lego merge", shellPath(path), "--method cat --scale", factor, ...words, "--out", shellPath(out)].join(
    " ",
  );
}

/** What a command on the result needs to read and write it. */
function baseOnly({ words }: MadeMerge): readonly string[] {
  return words((name) => name === "baseConfig");
}

/** Where an adapter's copy goes: next to the result, as a name that any path and address ends in. */
function beside(out: string, path: string): string {
  const name = path
    .replace(/[/\\]+$/, "")
    .split(/[/\\]/)
    .at(-1)!
    .replace(/@.*$/, "");
  const folder = out.replace(/[/\\]+$/, "").replace(/[^/\\]+$/, "");
  return `${folder}${name}`;
}

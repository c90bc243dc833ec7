import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { consumerById } from "../../src/adapter/consumers.ts";
import { checkOpened } from "../../src/analysis/check.ts";
import type { FormatId } from "../../src/convert/formats.ts";
import { convertAdapter } from "../../src/node/convert-adapter.ts";
import { openAdapterPath } from "../../src/node/input/adapter-path.ts";
import { mergeAdapters, mergeToFolder } from "../../src/node/merge-adapters.ts";
import { readMerged, relativeError, tempFolder } from "../support/pico.ts";
import { recipeApart } from "../support/recipe-apart.ts";

/** What a program made of a file of ours, as tools/consumers/make.mjs wrote it down. */
interface Fact {
  readonly id: string;
  readonly case: string;
  readonly program: string;
  /** The format that the case was converted to; null for a merge. */
  readonly to: FormatId | null;
  /** Our modules, to the program's that they are made of, in the order of rows. */
  readonly names: Readonly<Record<string, readonly string[]>>;
  /** Whether the program finds every module. */
  readonly whole: boolean;
  /** How far a delta may be from ours, relatively. */
  readonly tolerance: number;
  /** Of the files that the program read. */
  readonly sha256: readonly string[];
  /** (out, in) of every module that the program adapts. */
  readonly deltas?: Readonly<Record<string, readonly (readonly number[])[]>>;
}

const GOLDEN = new URL("../golden/consumers/", import.meta.url).pathname;
const { facts }: { facts: Fact[] } = JSON.parse(readFileSync(join(GOLDEN, "facts.json"), "utf8"));

/** Cases that a merge of them alone keeps byte for byte: of one rank and scale. */
const OF_ONE_SCALE = ["llama-embedding", "gpt2", "gemma3", "flux"];

/** Where a case lies once it is converted or merged, as the program was given it. */
async function made(fact: Fact): Promise<string> {
  const input = join(GOLDEN, fact.case);
  const out = join(tempFolder(), fact.to === "kohya" ? "out.safetensors" : "out");
  if (fact.to === null) await mergeToFolder([input], { method: "cat" }, { out });
  else {
    const base = join(input, "base-config.json");
    await convertAdapter(input, { to: fact.to, out, ...(existsSync(base) && { baseConfig: base }) });
  }
  return out;
}

/** The SHA-256 of the files that the program reads. */
function hashesOf(out: string): Set<string> {
  if (statSync(out).isFile()) return new Set([sha256(out)]);
  const files = readdirSync(out).filter((file) => /\.safetensors$|^adapter_config\.json$/.test(file));
  return new Set(files.map((file) => sha256(join(out, file))));
}

function sha256(path: string): string {
  return createHash("sha256").update(readFileSync(path)).digest("hex");
}

describe("what real programs load of our files", () => {
  it.each(facts.map((fact) => [fact.id, fact] as const))("%s: the same bytes that it loaded", async (_, fact) => {
    const hint = "The files changed since the programs judged them: run tools/consumers/make.mjs again.";
    expect(hashesOf(await made(fact)), hint).toEqual(new Set(fact.sha256));
  });

  it.each(
    facts
      .filter((fact) => fact.to !== null && OF_ONE_SCALE.includes(fact.case))
      .map((fact) => [fact.id, fact] as const),
  )("%s: the same from a merge into that format", async (_, fact) => {
    const input = join(GOLDEN, fact.case);
    const base = join(input, "base-config.json");
    const out = join(tempFolder(), fact.to === "kohya" ? "out.safetensors" : "out");
    const options = { out, to: fact.to!, ...(existsSync(base) && { baseConfig: base }) };
    await mergeAdapters([input], { method: "cat" }, options);
    if (fact.to !== "kohya") return expect(hashesOf(out)).toEqual(new Set(fact.sha256));
    const [merged, converted] = [out, await made(fact)].map((path) => recipeApart(readFileSync(path)));
    expect(merged!.rest).toEqual(converted!.rest);
  });

  it.each(facts.map((fact) => [fact.id, fact] as const))("%s: check says whether it loads", async (_, fact) => {
    const { adapter, close } = await openAdapterPath(await made(fact));
    close();
    const { findings } = checkOpened(adapter, consumerById(fact.program));
    expect(findings.filter(({ level }) => level !== "note")).toHaveLength(fact.whole ? 0 : 1);
  });

  it.each(facts.map((fact) => [fact.id, fact] as const))(
    "%s: every module, and no other delta than s B A",
    (_, fact) => {
      const { modules } = readMerged(join(GOLDEN, fact.case));
      expect([...modules.keys()].sort()).toEqual(Object.keys(fact.names).sort());
      const [loaded, ours] = [Object.keys(fact.deltas ?? {}).sort(), Object.values(fact.names).flat().sort()];
      expect(loaded).toEqual(fact.whole ? ours : ours.filter((name) => loaded.includes(name)));
      expect(loaded.length === ours.length).toBe(fact.whole);
      for (const [name, { delta }] of modules) {
        if (!fact.names[name]!.every((part) => loaded.includes(part))) continue;
        const rows = fact.names[name]!.flatMap((part) => fact.deltas![part]!);
        expect(relativeError(Float64Array.from(rows.flat()), delta), name).toBeLessThan(fact.tolerance);
      }
    },
  );
});

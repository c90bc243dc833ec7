import { UsageError } from "../core/errors.ts";
import { readYaml } from "../formats/yaml/placed-yaml.ts";
import { DEFAULT_METHOD, type Zod } from "../methods/method.ts";
import type { Recipe } from "../recipe/recipe.ts";
import { checkedRecipe } from "../recipe/recipe-file.ts";
import { type MergeFields, mergeFields, schemaParts } from "../recipe/recipe-schema.ts";
import { schemaMistake } from "../recipe/schema-mistake.ts";
import type { TaskRow } from "./task-rows.ts";

/** One way of merging, to be compared with others. */
export interface BenchMerge {
  /** What tables call it. */
  readonly name: string;
  /** Has no weights, and no rank where the file's ranks apply. */
  readonly recipe: Recipe;
}

/** A benchmark: which merges of which adapters are scored on which rows. Paths are relative to the file. */
export interface BenchFile {
  readonly base: string;
  /** Files of rows: dev to choose scales on, test to report results on. */
  readonly dev: readonly string[];
  readonly test: readonly string[];
  /** The adapters to merge, and the task that each was trained for, null where the file does not say. */
  readonly adapters: readonly { readonly path: string; readonly task: string | null }[];
  /** An adapter trained on all tasks at once, the upper bound; null without one. */
  readonly joint: string | null;
  /** Tasks that no adapter was trained for: reported separately, and not used to choose scales. */
  readonly unseen: readonly string[];
  readonly merges: readonly BenchMerge[];
  /** Output ranks; every merge without a rank of its own runs at each. */
  readonly ranks: readonly number[];
  /** Factors of the merged delta to choose from on dev rows, besides 1; empty for none. */
  readonly scales: readonly number[];
}

/**
 * Check that a benchmark's tasks have rows: test rows for those of its adapters and the unseen ones, and at least one seen task.
 *
 * @throws UsageError naming the task without rows
 */
export function checkTasks(
  { adapters, unseen, scales }: BenchFile,
  rows: { readonly dev: readonly TaskRow[]; readonly test: readonly TaskRow[] },
  file: string,
): void {
  const tasks = new Set(rows.test.map(({ task }) => task));
  const stray = [...adapters.flatMap(({ task }) => task ?? []), ...unseen].find((task) => !tasks.has(task));
  if (stray !== undefined) {
    throw new UsageError(
      `${file}: there are no test rows of the task ${stray} (the tasks are ${[...tasks].join(", ")}); correct its name.`,
    );
  }
  const seen = ({ task }: TaskRow): boolean => !unseen.includes(task);
  if (!rows.test.some(seen)) {
    throw new UsageError(`${file}: all tasks are unseen; leave out those that adapters were trained for.`);
  }
  if (scales.length > 0 && !rows.dev.some(seen)) {
    throw new UsageError(
      `${file}: there are no dev rows of seen tasks to choose a scale on; add some, or leave out scales.`,
    );
  }
}

/** A merge as the file describes it. */
type MergeEntry = MergeFields & { readonly name?: string | undefined };

/**
 * Parse a benchmark file (YAML; docs/bench.md describes it). Loads yaml and zod.
 *
 * @param file what messages call it
 * @throws UsageError at the first mistake, as "file:line:column: sentence with the fix"
 */
export async function parseBench(text: string, file: string): Promise<BenchFile> {
  const [yaml, { z }] = await Promise.all([readYaml(text, file), import("zod")]);
  const parsed = benchSchema(z).safeParse(yaml.data);
  if (!parsed.success) throw schemaMistake(yaml, parsed.error.issues[0]!, "the benchmark");
  const { base, tasks, adapters, joint = null, unseen = [], ranks = [], scales = [], merges } = parsed.data;
  const inputs = adapters.map((adapter) => (typeof adapter === "string" ? adapter : adapter.path));
  const named = merges.map(({ name, ...merge }, i) => ({
    name: name ?? merge.method ?? DEFAULT_METHOD,
    recipe: checkedRecipe(merge, inputs, null, yaml, ["merges", i]),
  }));
  const twice = named.findIndex(({ name }, i) => named.findIndex((other) => other.name === name) < i);
  if (twice >= 0) {
    throw yaml.mistake(
      ["merges", twice],
      `there is a merge called ${named[twice]!.name} already; give this one another name.`,
    );
  }
  return {
    base,
    ...tasks,
    adapters: adapters.map((adapter) => (typeof adapter === "string" ? { path: adapter, task: null } : adapter)),
    joint,
    unseen,
    merges: named,
    ranks,
    scales: scales.filter((scale) => scale !== 1),
  };
}

function benchSchema(z: Zod) {
  const { record, list, number, text } = schemaParts(z);
  const files = z.union([text.transform((one) => [one]), list(text, "files")], {
    error: "must be a file or a list of files",
  });
  const rankError = { error: "must be a whole number above 0" };
  return record(
    {
      base: text,
      tasks: record({ dev: files, test: files }, "a map of dev and test"),
      adapters: list(z.union([text, record({ path: text, task: text }, "a map of path and task")]), "adapters").min(1, {
        error: "must name at least one adapter",
      }),
      joint: text.optional(),
      unseen: list(text, "tasks").optional(),
      merges: list(
        record({ name: text.optional(), ...mergeFields(z) }, "a merge, such as { method: ties }"),
        "merges",
      ).min(1, {
        error: "must name at least one merge",
      }),
      ranks: list(z.int(rankError).min(1, rankError), "ranks").optional(),
      scales: list(number, "numbers").optional(),
    },
    "a map with base, tasks, adapters and merges",
  ) as unknown as import("zod").ZodType<{
    base: string;
    tasks: { dev: string[]; test: string[] };
    adapters: (string | { path: string; task: string })[];
    joint?: string;
    unseen?: string[];
    merges: MergeEntry[];
    ranks?: number[];
    scales?: number[];
  }>;
}

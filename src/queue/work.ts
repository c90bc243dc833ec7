import type { TaskRow } from "../evaluate/task-rows.ts";
import type { Timings } from "../lanes/clock.ts";
import type { Job, JobResult } from "../lanes/lane.ts";
import type { Zod } from "../methods/method.ts";
import type { PlanOrigin } from "../plan/plan-origin.ts";
import type { LooseRecipe } from "../recipe/recipe.ts";
import type { Place } from "./places.ts";

/** What the jobs of one queue have in common: plain data, named by its content. Workers open it once, and then take jobs of it. */
export type Work = MergeWork | BenchWork | TuneWork;

/** Whose work it is. */
interface Owned {
  /** Of the lora-lego that made it. */
  readonly version: string;
  /** What tells the command from others at the same time, and is the same when it is started again: where its result goes. */
  readonly owner: string;
}

/** A plan of a merge. */
export interface MergeWork extends Owned {
  readonly kind: "merge";
  readonly inputs: readonly Place[];
  readonly baseConfig: { readonly text: string; readonly where: string } | null;
  /** Whether adapters on servers are read by range. */
  readonly stream: boolean;
  readonly origin: PlanOrigin;
  /** SHA-256 of the plan, which each worker makes itself. */
  readonly plan: string;
  /** The shared folder that holds the output, a file named after the plan; null if nothing is written. */
  readonly folder: string | null;
}

/** A base model and rows to score adapters and their merges on. */
export interface Scoring extends Owned {
  readonly base: Place;
  /** The adapters: the first `merged` of them are those that are merged. */
  readonly adapters: readonly Place[];
  readonly merged: number;
  readonly rows: readonly (readonly TaskRow[])[];
}

/** The scores of a benchmark. */
export interface BenchWork extends Scoring {
  readonly kind: "bench";
}

/** The trials of a search. */
export interface TuneWork extends Scoring {
  readonly kind: "tune";
}

/** Score one adapter, the merge of a recipe, or the base alone (null) on one set of rows. */
export interface BenchJob {
  readonly of: { readonly adapter: number } | { readonly recipe: LooseRecipe } | null;
  readonly scale: number;
  readonly rows: number;
}

/** Merge by a recipe and score the result on one set of rows. */
export interface TuneJob {
  readonly recipe: LooseRecipe;
  readonly rows: number;
}

/** A job of a merge, done. */
export interface MergeDone {
  readonly result: JobResult;
  readonly timings: Timings;
  /** SHA-256 of the bytes of the output that the job is for; null if it writes none. */
  readonly written: string | null;
}

/** A trial, done. */
export interface TuneDone {
  readonly merge: { readonly method: string; readonly scale: number; readonly rank: number };
  readonly scores: number[][];
}

/** The schemas of all that goes through a queue: nothing in it is believed before it has passed its own. */
export interface QueueSchemas {
  readonly work: ZodOf<Work>;
  readonly jobs: { readonly merge: ZodOf<Job>; readonly bench: ZodOf<BenchJob>; readonly tune: ZodOf<TuneJob> };
  readonly results: {
    readonly merge: ZodOf<MergeDone>;
    readonly bench: ZodOf<number[][]>;
    readonly tune: ZodOf<TuneDone>;
  };
}

/** The schemas; zod is loaded for them. */
export async function queueSchemas(): Promise<QueueSchemas> {
  const { z } = await import("zod");
  return { work: workSchema(z), jobs: jobSchemas(z), results: resultSchemas(z) };
}

type ZodOf<T> = import("zod").ZodType<T>;

function workSchema(z: Zod): ZodOf<Work> {
  const path = z
    .string()
    .min(1)
    .max(4096)
    .refine((text) => !text.includes("\0"));
  const owned = { version: z.string(), owner: z.string().max(16384) };
  const place = z.strictObject({ path, print: z.string().max(4096), stamp: z.string().max(64) });
  const direction = z.strictObject({ scores: z.array(z.number()), span: z.int() });
  const findings = z.strictObject({
    acting: z.int().optional(),
    target: z.looseObject({ kind: z.string() }).optional(),
    ranks: z.map(z.string(), z.int().min(1)).optional(),
    directions: z.map(z.string(), direction).optional(),
  });
  const origin = z.strictObject({ recipe: z.looseObject({}), findings, scale: z.number().nullable() });
  const merge = z.strictObject({
    kind: z.literal("merge"),
    ...owned,
    inputs: z.array(place).min(1),
    baseConfig: z.strictObject({ text: z.string(), where: z.string() }).nullable(),
    stream: z.boolean(),
    origin,
    plan: z.string().regex(/^[0-9a-f]{64}$/),
    folder: path.endsWith(".queue").nullable(),
  });
  const row = z.strictObject({
    task: z.string(),
    prompt: z.string(),
    choices: z.array(z.string()).min(1),
    answer: z.int().min(0),
  });
  const scoring = (kind: "bench" | "tune") =>
    z.strictObject({
      kind: z.literal(kind),
      ...owned,
      base: place,
      adapters: z.array(place).min(1),
      merged: z.int().min(1),
      rows: z.array(z.array(row).min(1)).min(1),
    });
  // What makes the plan checks recipe and target in full.
  return z.discriminatedUnion("kind", [merge, scoring("bench"), scoring("tune")]) as unknown as ZodOf<Work>;
}

function jobSchemas(z: Zod): QueueSchemas["jobs"] {
  const index = z.int().min(0);
  const merge = z.discriminatedUnion("kind", [
    z.strictObject({ kind: z.literal("survey"), index }),
    z.strictObject({ kind: z.literal("modules"), indices: z.array(index).min(1) }),
    z.strictObject({ kind: z.literal("extra"), index }),
    z.strictObject({ kind: z.literal("hash"), input: index }),
  ]) satisfies ZodOf<Job>;
  const recipe = z.looseObject({});
  const of = z.union([z.strictObject({ adapter: index }), z.strictObject({ recipe })]).nullable();
  const bench: ZodOf<BenchJob> = z.strictObject({ of, scale: z.number(), rows: index });
  const tune: ZodOf<TuneJob> = z.strictObject({ recipe, rows: index });
  return { merge, bench, tune };
}

function resultSchemas(z: Zod): QueueSchemas["results"] {
  const count = z.int().min(0);
  // A delta that holds NaN is reported as such by a merge on one machine too.
  const figure = z.union([z.number(), z.nan(), z.literal([Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])]);
  const unit = z.tuple([count, count]);
  const halves = z.strictObject({ a: z.instanceof(Float64Array), b: z.instanceof(Float64Array) });
  const module = z.strictObject({
    index: count,
    rank: count,
    dead: z.array(unit),
    largest: halves,
    clusters: z.array(z.strictObject({ members: z.array(unit), reweight: figure.nullable() })).nullable(),
    inertia: figure.nullable(),
    shareOfB: figure.nullable(),
    residual: figure.nullable(),
    live: z.array(unit),
    products: z.strictObject({ inputs: z.array(figure), cross: z.array(figure), merged: figure }),
    response: z.strictObject({ answered: figure, square: figure }).nullable(),
    sum: z.array(figure).nullable(),
    starts: z.strictObject({ cosines: z.array(figure), variance: z.array(figure), units: z.array(count) }).nullable(),
  });
  const directions = z.strictObject({ scores: z.array(z.number()), span: count });
  const result = z.discriminatedUnion("kind", [
    z.strictObject({ kind: z.literal("survey"), index: count, directions }),
    z.strictObject({ kind: z.literal("modules"), results: z.array(module) }),
    z.strictObject({ kind: z.literal("extra") }),
    z.strictObject({ kind: z.literal("hash"), input: count, sha256: hash(z).nullable() }),
  ]);
  const seconds = z.number().min(0);
  const timings = z.strictObject({
    read: seconds,
    widen: seconds,
    gram: seconds,
    cluster: seconds,
    centre: seconds,
    write: seconds,
    hash: seconds,
  });
  const scores = z.array(z.array(z.number()));
  return {
    merge: z.strictObject({ result, timings, written: hash(z).nullable() }) as unknown as ZodOf<MergeDone>,
    bench: scores as ZodOf<number[][]>,
    tune: z.strictObject({
      merge: z.strictObject({ method: z.string(), scale: z.number(), rank: z.int().min(1) }),
      scores,
    }) as ZodOf<TuneDone>,
  };
}

function hash(z: Zod): ZodOf<string> {
  return z.string().regex(/^[0-9a-f]{64}$/);
}

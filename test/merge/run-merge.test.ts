import { describe, expect, it } from "vitest";
import { memorySink, memorySource } from "../../src/core/bytes.ts";
import { wasmKernels } from "../../src/kernels/wasm.ts";
import { noTimings } from "../../src/lanes/clock.ts";
import { type Lane, localLane } from "../../src/lanes/lane.ts";
import { Merger } from "../../src/lanes/merger.ts";
import { type MergeHost, mergeInMemory, runMerge } from "../../src/merge/merge.ts";
import type { MergePlan } from "../../src/plan/merge-plan.ts";
import type { Recipe } from "../../src/recipe/recipe.ts";
import { openPico, type PicoAdapter, randomAdapter } from "../support/pico.ts";

/** Merge on a host of `count` lanes that hash their inputs, noting each job and each output that is begun. */
async function run(adapters: readonly PicoAdapter[], recipe: Recipe, count = 1, hashes = true) {
  const opened = await Promise.all(adapters.map((adapter, t) => openPico(`a${t}`, adapter)));
  const jobs: string[] = [];
  const begun: string[] = [];
  let sink = memorySink(0);
  const lanes = (plan: MergePlan, into: ReturnType<typeof memorySink>): Lane[] =>
    Array.from({ length: count }, (): Lane => {
      const files = opened.map((adapter) => adapter.files);
      const own = localLane(new Merger(wasmKernels(), plan, files, into), async (t) => (t === 1 ? null : `hash ${t}`));
      return {
        depth: 1,
        run(job) {
          jobs.push(
            `${job.kind} ${job.kind === "hash" ? job.input : job.kind === "modules" ? job.indices : job.index}`,
          );
          return own.run(job);
        },
        timings: async () => ({ ...noTimings(), read: 1, gram: 2 }),
      };
    });
  const host: MergeHost = {
    hashes,
    kernels: wasmKernels(),
    survey: async (plan) => lanes(plan, memorySink(0)),
    async begin(plan) {
      begun.push(`output of rank ${plan.rank}`);
      sink = memorySink(plan.size);
      return { sink, lanes: lanes(plan, sink) };
    },
    async beginDraft(draft, output) {
      begun.push(`draft of rank ${draft.rank} for ${output.dtype}`);
      const into = memorySink(draft.size);
      return { sink: into, source: memorySource("the draft", into.bytes), lanes: lanes(draft, into) };
    },
  };
  const outcome = await runMerge(opened, recipe, host);
  const alone = await mergeInMemory(opened, recipe);
  expect(Buffer.from(sink.bytes).equals(Buffer.from(alone.weights))).toBe(true);
  return { ...outcome, jobs, begun };
}

const MODULES = Object.fromEntries([0, 1, 2, 3, 4, 5].map((i) => [`layers.${i}.q`, { in: 5, out: 4 }]));
const three = [1, 2, 3].map((seed) => randomAdapter(seed, { modules: MODULES }));
const HEAD = { "base_model.model.score.weight": [[1, 2]] };

/** An adapter of two units, the second dead. */
const half: PicoAdapter = {
  modules: {
    q: {
      A: [
        [1, 2],
        [0, 0],
      ],
      B: [
        [3, 0],
        [4, 0],
      ],
    },
  },
};

describe("a merge on lanes", () => {
  it("hashes each input once, spread among the modules, and reports the hashes that there are", async () => {
    const { jobs, report } = await run(three, { method: "cat" });
    expect(jobs).toEqual([0, 1, 2].flatMap((t) => [`hash ${t}`, `modules ${2 * t}`, `modules ${2 * t + 1}`]));
    expect(report.inputs.map(({ sha256 }) => sha256)).toEqual(["hash 0", null, "hash 2"]);
  });

  it("begins with modules that are a large part of the work, and reports all in the plan's order", async () => {
    const sizes = { ...MODULES, "layers.6.q": { in: 90, out: 4 }, "layers.7.q": { in: 5, out: 200 } };
    const { jobs, report } = await run([randomAdapter(4, { modules: sizes })], { method: "cat" }, 1, false);
    expect(jobs).toEqual([7, 6, 0, 1, 2, 3, 4, 5].map((index) => `modules ${index}`));
    expect(report.modules.map(({ name }) => name)).toEqual(Object.keys(sizes));
  });

  it("hashes nothing where the host does not", async () => {
    const { jobs, report } = await run(three, { method: "cat" }, 1, false);
    expect(jobs.every((job) => job.startsWith("module"))).toBe(true);
    expect(report.inputs.map(({ sha256 }) => sha256)).toEqual([null, null, null]);
  });

  it("runs again at the rank that values need, without hashing again, and counts the time of both", async () => {
    const { jobs, begun, report } = await run([half], { method: "cat" });
    expect(begun).toEqual(["output of rank 2", "output of rank 1"]);
    expect(jobs).toEqual(["hash 0", "modules 0", "modules 0"]);
    expect(report.timings).toMatchObject({ read: 2, gram: 4 });
  });

  it("adds the time of all lanes up", async () => {
    const { report } = await run(three, { method: "cat" }, 3);
    expect(report.timings).toMatchObject({ read: 3, gram: 6, write: 0 });
  });

  it("of a factor that is not known writes a draft of the modules first, then the other tensors into the output", async () => {
    const adapters = [
      { ...randomAdapter(1, { modules: MODULES }), extras: HEAD },
      { ...three[1]!, extras: HEAD },
    ];
    const recipe = { method: "lego", scale: "auto", extras: "first", dtype: "bf16" } as const;
    const { jobs, begun, report } = await run(adapters, recipe);
    expect(begun).toEqual(["draft of rank 2 for BF16", "output of rank 2"]);
    expect(jobs.at(-1)).toBe("extra 0");
    expect(jobs.filter((job) => job.startsWith("extra"))).toHaveLength(1);
    expect(jobs.filter((job) => job.startsWith("hash"))).toHaveLength(2);
    expect(report.inputs.map(({ sha256 }) => sha256)).toEqual(["hash 0", null]);
  });

  it("of a factor that is not known makes the draft again at a smaller rank before it writes an output", async () => {
    const { begun } = await run([half], { method: "lego", scale: "auto" });
    expect(begun).toEqual(["draft of rank 2 for F32", "draft of rank 1 for F32", "output of rank 1"]);
  });
});

describe("the method that auto chooses", () => {
  const zero: PicoAdapter = {
    modules: Object.fromEntries(
      Object.keys(MODULES).map((name) => [
        name,
        { A: [Array<number>(5).fill(0), Array<number>(5).fill(0)], B: Array<number[]>(4).fill([0, 0]) },
      ]),
    ),
  };

  it("is that for the adapters that change something", async () => {
    const [one, all] = [await run(three.slice(0, 1), {}), await run(three, {})];
    expect(one.plan.method).not.toBe(all.plan.method);
    const beside = await run([three[0]!, zero, zero], {});
    expect(beside.plan.method).toBe(one.plan.method);
    expect(beside.plan.chosen).toContain("1 adapter:");
    expect((await run([zero, zero], {})).plan.chosen).toContain("2 adapters");
  });

  it("is chosen no second time where no adapter changes anything, nor is the rank", async () => {
    const { plan } = await run([zero, zero], { method: "lego" });
    expect(plan).toMatchObject({ method: "lego", target: { kind: "rank", rank: 2 }, rank: 1 });
  });
});

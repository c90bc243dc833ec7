import { maximum } from "../core/maximum.ts";
import type { BenchResult, BenchScores, MergeScores } from "./bench.ts";
import { markdownTable } from "./markdown-table.ts";
import { isTie, type PairedDifference } from "./paired.ts";

/**
 * Results of a benchmark as Markdown: a table for each rank, accuracies in per cent.
 *
 * @example
 * ```ts
 * import { benchPage, runBenchFile } from "lora-lego/evaluate";
 * import { writeFile } from "node:fs/promises";
 *
 * await writeFile("letters.jsonl", '{"prompt":"word : good","choices":["yes","no"],"answer":"yes"}\n');
 * await writeFile(
 *   "page.yaml",
 *   "base: model\ntasks: { dev: letters.jsonl, test: letters.jsonl }\nadapters: [{ path: cola, task: letters }]\nmerges: [{ method: lego }]\nranks: [4]\n",
 * );
 * console.log(benchPage(await runBenchFile("page.yaml")).includes("### Rank 4")); // true
 * ```
 */
export function benchPage(result: BenchResult): string {
  const tasks = Object.keys(result.base.tasks);
  const ranks = [...new Set(result.merges.map(({ rank }) => rank))];
  const head = ["", ...tasks, "seen", ...(result.base.unseen === null ? [] : ["unseen"])];
  const bounds: [string, BenchScores | null][] = [
    ["base model", result.base],
    ["own adapter", result.own],
    ["joint adapter", result.joint],
    ["ensemble of outputs", result.ensemble],
  ];
  const searched = result.merges.some((merge) => merge.searched !== null);
  const rows = Object.values(result.base.tasks).map((task) => task.rows);
  return [
    `Accuracy in % on ${Math.min(...rows) === Math.max(...rows) ? rows[0] : `${Math.min(...rows)} to ${Math.max(...rows)}`} rows of each task; the standard deviation of one accuracy is at most ${(100 * maximum(result.merges.flatMap(deviations))).toFixed(1)} points.`,
    "",
    markdownTable(
      head,
      bounds.flatMap(([name, scores]) => (scores === null ? [] : [[name, ...cells(scores)]])),
    ),
    ...ranks.flatMap((rank) => {
      const merges = result.merges.filter((merge) => merge.rank === rank);
      return [
        "",
        `### ${rank === null ? "Ranks of their own" : `Rank ${rank}`}`,
        "",
        markdownTable(
          head,
          merges.map(({ name, plain }) => [name, ...cells(plain)]),
        ),
        ...(searched
          ? [
              "",
              "With the delta times the factor that did best on the dev rows:",
              "",
              markdownTable(
                [...head, "factor", `against ${merges[0]!.name}`],
                merges.flatMap(({ name, searched: best, against }) =>
                  best === null ? [] : [[name, ...cells(best), String(best.scale), verdict(against)]],
                ),
              ),
            ]
          : []),
      ];
    }),
    "",
  ].join("\n");
}

const deviations = ({ plain }: MergeScores): number[] => Object.values(plain.tasks).map(({ deviation }) => deviation);
const percent = (share: number): string => (100 * share).toFixed(1);

function cells({ tasks, seen, unseen }: BenchScores): string[] {
  const own = Object.values(tasks).map(({ accuracy }) => percent(accuracy));
  return [...own, `**${percent(seen)}**`, ...(unseen === null ? [] : [percent(unseen)])];
}

function verdict(against: PairedDifference | null): string {
  if (against === null) return "";
  const points = (share: number): string => `${share < 0 ? "" : "+"}${(100 * share).toFixed(1)}`;
  const interval = `${points(against.difference)} (${points(against.low)} to ${points(against.high)})`;
  return isTie(against) ? `${interval}, tie` : interval;
}

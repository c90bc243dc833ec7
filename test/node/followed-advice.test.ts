import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import type { MergedAudit } from "../../src/analysis/audit/audit-merged.ts";
import type { Audit } from "../../src/analysis/audit/audit-set.ts";
import { auditAdapters } from "../../src/node/audit-adapters.ts";
import { auditMerged } from "../../src/node/audit-merged.ts";
import { mergeToFolder } from "../../src/node/merge-adapters.ts";
import { tempFolder } from "../support/pico.ts";

/** The findings that are about the rank of a merge. */
const OF_RANK = ["rank-too-low", "rank-too-high", "badly-kept"];

/** The commands that an audit of a set recommends, of merges. */
const commandsOf = ({ recommendation }: Audit): string[] =>
  recommendation === null
    ? []
    : [recommendation, recommendation.without, recommendation.lego].flatMap((merge) => merge?.command ?? []);

/** Carry out a command that was printed, and audit what came out. */
async function follow(command: string): Promise<{ readonly of: readonly string[]; readonly audit: MergedAudit }> {
  const words = command.split(" ").slice(2);
  const flags = words.findIndex((word) => word.startsWith("--"));
  const said = (name: string): string | null => (words.includes(name) ? words[words.indexOf(name) + 1]! : null);
  const [of, rank, weights, scale] = [words.slice(0, flags), said("--rank"), said("--weights"), said("--scale")];
  const out = join(tempFolder(), "merged");
  await mergeToFolder(
    of,
    {
      method: (said("--method") ?? "auto") as "auto",
      ...(rank !== null && { target: { kind: "rank", rank: Number(rank) } }),
      ...(weights !== null && { weights: weights.split(",").map(Number) }),
      ...(scale !== null && { scale: scale === "auto" ? scale : Number(scale) }),
    },
    { out, threads: 1, report: join(out, "report.json") },
  );
  return { of, audit: await auditMerged(out, { of }) };
}

/** What following each recommended command ends in that is about the rank. */
async function findingsAfter(paths: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const command of commandsOf(await auditAdapters(paths))) {
    const { audit } = await follow(command);
    const own = audit.signatures.filter(({ id, found: is }) => is && OF_RANK.includes(id));
    found.push(...own.map(({ text }) => `${command}: ${text}`));
    // Nor is a remedy another rank.
    found.push(...audit.next.flatMap(({ how }) => (how?.includes(" --rank ") ? `${command}: ${how}` : [])));
  }
  return found;
}

const MINIBENCH = resolve("examples/minibench");
const TASKS = ["cola", "mnli", "mrpc", "qnli", "qqp", "rte", "sst2"];
const CORPUS = resolve("../shared/corpus");
const SD15 = ["sd15-diffusers/2100-lora.safetensors", "sd15-diffusers-old/pytorch_lora_weights.safetensors"];

describe("following the advice of an audit ends in no finding about the rank", () => {
  it.each([
    ["llama/all", 7],
    ["llama/all", 3],
    ["gpt2/all", 7],
    ["gpt2/qv", 5],
    ["llama/qv", 2],
  ])("of minibench: %s, %d adapters", async (folder, count) => {
    const paths = TASKS.slice(0, count).map((task) => join(MINIBENCH, folder, task));
    expect(await findingsAfter(paths)).toEqual([]);
  });

  it.skipIf(!existsSync(CORPUS)).each([
    ["gpt2", ["gpt2-math", "gpt2-med", "gpt2-finance"]],
    ["gemma, one of which is tiny", ["gemma-r4-qkvo", "gemma-r4-qv", "gemma-r8-qv"]],
    ["Stable Diffusion 1.5", SD15],
    ["SAM", ["sam/lora_rank2.safetensors", "sam/lora_rank8.safetensors"]],
  ])("of strangers: %s (skipped without ../shared/corpus)", async (_, names) => {
    expect(await findingsAfter(names.map((name) => join(CORPUS, name)))).toEqual([]);
  });
});

describe("the remedies of a merge that was made otherwise", () => {
  it("end in no finding about the rank either", async () => {
    const of = TASKS.map((task) => join(MINIBENCH, "llama/all", task));
    const out = join(tempFolder(), "low");
    await mergeToFolder(of, { method: "lego", target: { kind: "rank", rank: 3 } }, { out, threads: 1 });
    const { next } = await auditMerged(out, { of });
    const again = next.flatMap(({ how }) => (how?.includes(" --rank ") ? how : []));
    expect(again.length).toBeGreaterThan(0);
    for (const command of again) {
      const { audit } = await follow(command);
      expect(audit.signatures.filter(({ id, found }) => found && OF_RANK.includes(id))).toEqual([]);
    }
  });
});

/** Follow all that is advised, and what is advised then. @param before the commands that led here @returns the longest way */
async function followAll(command: string, before: readonly string[] = []): Promise<readonly string[]> {
  const own = command.replace(/ --out .*$/, "");
  if (before.includes(own)) throw new Error(`in a circle: ${[...before, own].join("\n")}`);
  const here = [...before, own];
  let longest: readonly string[] = here;
  for (const { how } of (await follow(command)).audit.next) {
    if (!how?.startsWith("lora-lego merge") || how.includes("&&")) continue;
    const way = await followAll(how, here);
    if (way.length > longest.length) longest = way;
  }
  return longest;
}

describe("following everything that an audit advises ends", () => {
  it.each([
    ["gpt2/all", "cola mnli qqp", "--method ct_merge"],
    ["gpt2/all", "cola mnli qqp", "--method dare_ties"],
    ["llama/all", "cola mnli mrpc qnli qqp rte sst2", "--method lego --scale 1.493"],
    ["llama/all", "cola mnli rte", "--method lego --rank 12"],
  ])("of minibench: %s, %s %s", async (folder, tasks, flags) => {
    const paths = tasks.split(" ").map((task) => join(MINIBENCH, folder, task));
    expect((await followAll(`lora-lego merge ${paths.join(" ")} ${flags}`)).length).toBeLessThan(5);
  });
});

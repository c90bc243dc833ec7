import type { AuditedAdapter } from "../analysis/audit/adapter-tally.ts";
import type { Audit } from "../analysis/audit/audit-set.ts";
import type { RecommendedMerge } from "../analysis/audit/set-facts.ts";
import { plural } from "../core/plural.ts";
import { printable } from "../core/printable.ts";
import { bytes, percent } from "../core/shown.ts";
import { cosineShown, cut, printParagraph, wrapped } from "./page.ts";
import { stems } from "./stems.ts";
import { table } from "./table.ts";
import { dim, green, printCommand, printLine, printLines, red } from "./terminal.ts";

const MOST_NAME = 20;
/** More adapters have a matrix wider than the page; their closest pairs are listed instead. */
const MOST_IN_MATRIX = 10;
const MOST_PAIRS = 5;
const MOST_KINDS = 8;
const MOST_NAMED = 3;

/** Print what an audit found about a set, on one page of 80 columns. */
export function printAudit(audit: Audit): void {
  printHead(audit);
  printLine();
  printLines(adapterTable(audit.adapters));
  if (audit.adapters.length > 1) printPairs(audit);
  if (audit.conflicts.length > 0) printConflicts(audit);
  printLine();
  printConsumers(audit);
  printFindings(audit);
  if (audit.adapters.length > 1) printRecommendation(audit);
  else printParagraph("One adapter has nothing to be merged with: name the others too.");
}

function printHead(audit: Audit): void {
  const { adapters, modules, sharedModules, starts, sharedStart } = audit;
  const size = adapters.reduce((sum, adapter) => sum + adapter.bytes, 0);
  const shared = sharedModules === modules ? "" : `, ${sharedModules} in all of them`;
  printParagraph(
    `${plural(adapters.length, "adapter")}, ${baseShown(audit)}, ${plural(modules, "module")}${shared}, ${bytes(size)}`,
  );
  if (adapters.length < 2) return;
  const cosines = starts.flat().filter((cosine) => cosine !== null);
  if (cosines.length === 0) return;
  const groups = sharedStart.map((group) => group.map((t) => `#${t + 1}`).join(" ")).join("; ");
  const who =
    sharedStart[0]?.length === adapters.length
      ? "one for all"
      : groups === ""
        ? "no sign of one seed"
        : `the same in ${groups}`;
  const [least, most] = [Math.min(...cosines), Math.max(...cosines)].map(cosineShown);
  printParagraph(
    `random A at the start: ${who} (rows of A have cosine ${least === most ? least : `${least} to ${most}`})`,
  );
}

/** The base that adapters name, with the family of image models and how many name it. */
function baseShown({ adapters, bases: [base, ...others], model }: Audit): string {
  const naming = adapters.filter(({ baseModel }) => baseModel !== null).length;
  const few = base !== undefined && others.length === 0 && naming < adapters.length;
  const about = [model ?? [], few ? `named by ${naming} of ${adapters.length}` : []].flat().join(", ");
  const named = base === undefined ? "no base named" : others.length > 0 ? "different bases" : `base ${base}`;
  return `${named}${about === "" ? "" : ` (${about})`}`;
}

/** One row for each adapter, largest first. */
function adapterTable(adapters: readonly AuditedAdapter[]): string[] {
  const names = stems(adapters.map(({ name }) => name));
  const sorted = adapters.map((adapter, t) => ({ adapter, t })).sort((a, b) => b.adapter.norm - a.adapter.norm);
  return table(
    ["#", "adapter", "rank", "norm", "share", "eff. rank", "90% in", "zero", "outliers"],
    sorted.map(({ adapter, t }) => [
      t + 1,
      cut(names[t]!, MOST_NAME),
      span(adapter.ranks),
      adapter.norm.toPrecision(3),
      percent(adapter.share),
      decimal(adapter.effectiveRank),
      decimal(adapter.energyRank),
      adapter.zeroModules,
      adapter.outliers,
    ]),
  );
}

function printPairs({ adapters, similarity }: Audit): void {
  printLine();
  if (adapters.length <= MOST_IN_MATRIX) {
    const head = ["cosine", ...adapters.map((_, t) => `#${t + 1}`)];
    printLines(
      table(
        head,
        similarity.map((row, t) => [`#${t + 1}`, ...row.map(cosineShown)]),
      ),
    );
    return;
  }
  const pairs = similarity.flatMap((row, t) =>
    row.flatMap((cosine, u) => (u > t && cosine !== null ? [{ t, u, cosine }] : [])),
  );
  const closest = pairs.sort((one, other) => other.cosine - one.cosine).slice(0, MOST_PAIRS);
  printLines(
    table(
      ["closest pairs", "", "cosine"],
      closest.map(({ t, u, cosine }) => [
        cut(adapters[t]!.name, MOST_NAME),
        cut(adapters[u]!.name, MOST_NAME),
        cosineShown(cosine),
      ]),
    ),
  );
}

function printConflicts({ conflicts }: Audit): void {
  printLine();
  printLines(
    table(
      ["kind of layer", "modules", "overlaps", "cancels", "other sign"],
      conflicts
        .slice(0, MOST_KINDS)
        .map(({ kind, modules, overlap, cancel, signConflicts }) => [
          cut(kind, MOST_NAME),
          modules,
          percent(overlap),
          percent(cancel),
          percent(signConflicts),
        ]),
    ),
  );
  const more = conflicts.length - MOST_KINDS;
  if (more > 0) printLine(dim(`${plural(more, "more kind")} in --json`));
}

/** Which programs load the adapters as they are; those against which something is found, by the adapters that it is found in. */
function printConsumers({ adapters, consumers }: Audit): void {
  const taken = consumers.filter(({ problems }) => problems.length === 0).map(({ title }) => title);
  const refused = new Map<string, string[]>();
  for (const { title, problems } of consumers) {
    if (problems.length === 0) continue;
    const all = problems.length === adapters.length;
    const who = all ? (adapters.length === 1 ? "it" : "each") : named(problems.map(({ adapter }) => adapter));
    refused.set(who, [...(refused.get(who) ?? []), title]);
  }
  const parts = [
    ...(taken.length === 0 ? [] : [`nothing found against ${taken.join(", ")}`]),
    ...Array.from(refused, ([who, titles]) => `something against ${titles.join(", ")} in ${who}`),
  ];
  const more = refused.size === 0 ? "" : " (lora-lego check says what)";
  printParagraph(`loading ${adapters.length === 1 ? "it as it is" : "them as they are"}: ${parts.join("; ")}${more}`);
}

/** A few names, and how many more there are. */
function named(names: readonly string[]): string {
  const more = names.length - MOST_NAMED;
  return more > 0 ? `${names.slice(0, MOST_NAMED).join(", ")} and ${more} more` : names.join(", ");
}

function printFindings({ adapters, findings, consumers }: Audit): void {
  const one = adapters.length === 1;
  printLine();
  if (findings.length === 0) {
    const [them, unmerged] = one ? ["it with others", "it"] : ["them", "them unmerged"];
    printLine(green(`Nothing was found that speaks against merging ${them}.`));
    const refusing = consumers.some(({ problems }) => problems.length > 0);
    if (refusing) printLine(`What speaks against loading ${unmerged} stands above.`);
  }
  const bases = adapters.flatMap(({ baseModel }) => baseModel ?? []);
  // A refusal may name the bases already.
  const refusal = findings.find(({ id }) => id === "refused")?.text ?? "";
  const told = bases.every((base) => refusal.includes(base));
  for (const { level, text } of findings.filter(({ id }) => !(told && id === "different-base"))) {
    const [first, ...rest] = wrapped(printable(text), 9, 9);
    printLine(level === "problem" ? red("problem: ") : dim("note:    "), first!);
    printLines(rest);
  }
}

function printRecommendation({ recommendation }: Audit): void {
  if (recommendation === null) {
    printLine();
    printParagraph("There is no merge to recommend: what speaks against one stands above.");
    return;
  }
  const { method, scale, rank, ownRank, without, lego } = recommendation;
  const auto = rank === ownRank ? "" : `; by itself it takes rank ${ownRank}`;
  printLine();
  printMerge(
    recommendation,
    `Merge by ${method} at rank ${rank}${scale === "auto" ? " with a computed factor" : ""} (--method auto${auto}).`,
  );
  if (without !== null) {
    // What was measured stands above.
    printMerge(
      { ...without, basis: without.basis.filter((own) => !recommendation.basis.includes(own)) },
      `Without what hardly trained: by ${without.method} at rank ${without.rank}.`,
    );
  }
  if (lego !== null) printMerge(lego, `If you want LoRA-LEGO: rank ${lego.rank}.`);
}

function printMerge({ rank, room, reason, basis, command }: RecommendedMerge, what: string): void {
  const held = room === null ? "" : ` Rank ${rank} can hold ${percent(room)} of the energy of their sum.`;
  printParagraph(`${what} ${reason}${held}`);
  for (const { text, link } of basis) printParagraph(`  measured: ${text} (${link})`, 4);
  printCommand(`  ${command}`);
}

function span(ranks: readonly number[]): string {
  const [least, most] = [ranks[0], ranks.at(-1)];
  return least === undefined ? "-" : least === most ? String(least) : `${least}-${most}`;
}

function decimal(value: number | null): string {
  return value === null ? "-" : value.toFixed(1);
}

/** The table of README.md, from the results beside docs/evidence.md and docs/evidence-real.md: node tools/evidence/readme-table.mjs */
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { SEEN } from "./studies.mjs";
import { percent, table } from "./tables.mjs";

/** The model, the file, the studies of the merges as they are (of several the first that is whole) and what is added for computed factors. */
const COLUMNS = [
  ["MiniLM", "evidence-real", ["all-6"], (id) => `${id}-computed`],
  [
    "SmolLM2",
    "evidence-real",
    ["smollm2-6", "smollm2-count-4", "smollm2-count-3", "smollm2-count-2"],
    (id) => `${id}-computed`,
  ],
  ["minibench", "evidence", ["methods-llama-all"], () => "factor-llama-all-computed"],
];
const METHODS = ["tsv", "ctm", "iso_c", "ties_svd", "task_arithmetic", "average", "lego"];
const [BEGIN, END] = ["<!-- measured -->", "<!-- /measured -->"];
const readme = fileURLToPath(new URL("../../README.md", import.meta.url));

export function readmeTable() {
  const sets = COLUMNS.map(([model, file, ids, computedOf]) => {
    const found = JSON.parse(readFileSync(new URL(`../../docs/${file}.json`, import.meta.url), "utf8"));
    const has = (study, methods) => methods.every((name) => study?.merges.some((merge) => merge.name === name));
    const id = ids.find((each) => has(found[each], METHODS) && has(found[computedOf(each)], ["auto", "tsv", "lego"]));
    const [plain, computed] = [found[id], found[computedOf(id)]];
    const [{ rank }] = computed.merges;
    const of = ({ merges }, method) => merges.find((merge) => merge.name === method && merge.rank === rank)?.plain;
    const count = SEEN.filter((task) => plain.base.tasks[task] !== undefined).length;
    return { title: `${model}, ${count} adapters`, plain, computed, of };
  });
  const shown = (scores) => (scores === undefined ? "-" : percent(scores.seen));
  const line = (name, cell) => [name, ...sets.map(cell)];
  return table(
    ["accuracy, %", ...sets.map(({ title }) => title)],
    [
      line("base model", ({ plain }) => shown(plain.base)),
      line("each task's own adapter", ({ plain }) => shown(plain.own)),
      line("**auto**", ({ computed, of }) => `**${shown(of(computed, "auto"))}**`),
      ...METHODS.map((method) =>
        line(method, ({ plain, computed, of }) => `${shown(of(plain, method))} / ${shown(of(computed, method))}`),
      ),
    ],
  );
}

/** README.md with the table between its marks. */
export function measuredReadme() {
  const text = readFileSync(readme, "utf8");
  const [from, to] = [text.indexOf(BEGIN) + BEGIN.length, text.indexOf(END)];
  return `${text.slice(0, from)}\n\n${readmeTable()}\n\n${text.slice(to)}`;
}

export function writeReadme() {
  writeFileSync(readme, measuredReadme());
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeReadme();

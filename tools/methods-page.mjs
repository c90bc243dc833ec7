/**
 * Write docs/methods/README.md, the comparison of all methods, from their metadata and docs/evidence.json; a test holds the two together.
 *
 *   npm run build:library && node tools/methods-page.mjs
 */
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { METHODS } from "../build/lib/methods/registry.js";

const at = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));
const RANK = 6;
/** Studies of seven adapters on all linear modules of a model, and what methods are called there as merged and with a computed factor. */
const MODELS = ["llama", "gpt2"].map((model) => ({
  own: `methods-${model}-all`,
  plain: [
    [`methods-${model}-all`, (id) => id],
    [`further-${model}-all`, (id) => id],
  ],
  computed: [
    [`factor-${model}-all-computed`, (id) => id],
    [`further-${model}-all`, (id) => `${id} auto`],
  ],
}));

/** The page as it should stand in docs. */
export function methodsPage() {
  const evidence = JSON.parse(readFileSync(at("docs/evidence.json"), "utf8"));
  const rows = METHODS.map((method) => [
    `[${method.id}](${method.id}.md)`,
    needsOf(method),
    method.dependsOn === "delta" ? "delta" : "factors",
    { exact: "yes", "exact at density 1": "at density 1", changes: "no" }[method.single],
    ...MODELS.flatMap(({ plain, computed }) => [plain, computed].map((studies) => seen(evidence, studies, method.id))),
    shown(evidence.cost[method.id]?.[RANK], 0),
  ]);
  const head = [
    "method",
    "needs",
    "looks at",
    "one adapter comes back",
    "Llama, as merged",
    "Llama, computed factor",
    "GPT-2, as merged",
    "GPT-2, computed factor",
    "ms",
  ];
  const table = [head, head.map((_, i) => (i < 4 ? "---" : "---:")), ...rows].map((row) => `| ${row.join(" | ")} |`);
  return [INTRODUCTION, measured(evidence), ...table, "", NOTES].join("\n");
}

const INTRODUCTION = `# Which method

Name none: [auto](auto.md) takes [tsv](tsv.md) with a [computed factor](../scale.md) for two or more adapters,
which keeps most in most sets that were measured.

| you want | take |
| --- | --- |
| the best merge without data | nothing, or \`--method auto\` |
| the exact sum of the deltas, whatever its rank | [cat](cat.md), or [linear](linear.md) for adapters that share A |
| the paper's LoRA-LEGO | [lego](lego.md) with \`--preset paper\` |
| LEGO at its best | [lego](lego.md) with \`--preset deltas\` |
| one adapter at a smaller rank | \`lora-lego resize\` or [svd](svd.md) |
| what PEFT or mergekit gave | the method of that name; its page says where we depart |
| the best merge for your tasks, with a few rows of each | [\`lora-lego tune\`](../tune.md) |

## All methods
`;

function measured(evidence) {
  const both = (which) => MODELS.map(({ own }) => shown(100 * evidence[own][which].seen, 1)).join(" and ");
  return `Accuracy in % on seven tasks of seven merged adapters at rank ${RANK} ([evidence](../evidence.md)):
the base models score ${both("base")}, each task's own adapter ${both("own")}.
*ms* is the time of that merge on one core of an AMD EPYC, on small modules (width 128 to 512).
*-* was not measured.
`;
}

const NOTES = `- **The figure on each page** is one made module with two inputs and two outputs, so that rows of A and columns of B are
  arrows in a plane.
  Two adapters have two units each: the first two point the same way, the second two cross each other.
  Thick arrows are the units of the merge at rank 2 by the method's defaults; equal numbers belong together.
- **Needs**: what a method asks of its inputs; most take any number of adapters of any ranks.
- **Looks at**: the deltas alone, or also how they are split into A and B.
- Stochastic methods were measured with one seed.
- **Methods that drop single entries of a delta** (magnitude_prune_svd to sce in the table) take 4 to 15 times
  tsv's time for seven adapters of rank 16 of a 7B model, and no code can change that much.
  To see the entries of seven deltas of 4096 x 4096 once takes 3.8 GFLOP, and they are seen three times:
  to choose, to find the leading directions, and to cut.
  tsv never forms a delta.
- Modules of more than 4096 units (ranks added up over all adapters) merge by [some of them](many-units.md).
- \`lora-lego methods\` lists every parameter.
`;

function needsOf({ needs: { adapters, equalRanks, weightSum } }) {
  const all = [
    ...(adapters === undefined ? [] : [`${adapters} adapters`]),
    ...(equalRanks ? ["equal ranks"] : []),
    ...(weightSum ? ["weights whose sum is not 0"] : []),
  ];
  return all.join(", ") || "-";
}

/** Mean accuracy over the tasks, in the first study that has the method. */
function seen(evidence, studies, id) {
  for (const [study, nameOf] of studies) {
    const found = evidence[study]?.merges.find(({ name, rank }) => name === nameOf(id) && rank === RANK);
    if (found !== undefined) return shown(100 * found.plain.seen, 1);
  }
  return "-";
}

function shown(value, digits) {
  return value === undefined ? "-" : value.toFixed(digits);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(at("docs/methods/README.md"), methodsPage());

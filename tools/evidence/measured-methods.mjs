/**
 * src/analysis/measured-methods.ts and measured-ranks.ts out of docs/evidence.json: what each method scored, for `compare` and the page.
 * A test holds them together.
 *
 *   node tools/evidence/measured-methods.mjs
 */
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = new URL("../../", import.meta.url);
const RANK = 6;
/** Results of one set of adapters: with the factor that the dev rows choose, with the computed one, and methods measured later. */
const STUDIES = { searched: "methods-llama-all", computed: "factor-llama-all-computed", further: "further-llama-all" };

/** Results of the same adapters at several ranks: as merged, and with the computed factor, where a variant of a method has another name. */
const RANKED = {
  asMerged: [
    ...["methods-llama-all", "ranks-llama-all", "further-llama-all"].map((study) => [study, /^(\w+)$/]),
    ["twice-llama-all", /^(\w+) as merged$/],
  ],
  computed: [
    ["factor-llama-all-computed", /^(?!auto$)(\w+)$/],
    ["budget-llama-all", /^(\w+) \d+$/],
    ["further-llama-all", /^(\w+) auto$/],
    ["twice-llama-all", /^(\w+)$/],
    // What auto takes of seven adapters.
    ["auto-llama-all", /^auto$/, "tsv"],
  ],
};

/** The text of measured-methods.ts. */
export function measuredMethods(evidence) {
  const merges = (study) => evidence[study].merges.filter(({ rank }) => rank === RANK);
  const seen = (study, name) => merges(study).find((merge) => merge.name === name)?.plain.seen;
  const later = merges(STUDIES.further).filter(({ name }) => !name.endsWith(" auto"));
  const measured = [...merges(STUDIES.searched), ...later].flatMap(({ name, plain, searched }) => {
    // Other names are variants of a method.
    if (!/^\w+$/.test(name)) return [];
    const auto = seen(STUDIES.computed, name) ?? seen(STUDIES.further, `${name} auto`);
    return [{ name, asMerged: plain.seen, withFactor: auto ?? searched.seen, auto: auto !== undefined }];
  });
  const { base, own } = evidence[STUDIES.searched];
  const rows = measured
    .sort((one, other) => other.withFactor - one.withFactor)
    .map(({ name, asMerged, withFactor, auto }) => {
      return `  ${name}: { asMerged: ${percent(asMerged)}, withFactor: ${percent(withFactor)}, auto: ${auto} },`;
    });
  return `// Made by tools/evidence/measured-methods.mjs from docs/evidence.json.

/** What a method scored: accuracy in %, mean over seven tasks of minibench's Llama, from seven adapters of one seed at rank ${RANK}. */
export interface MeasuredMethod {
  readonly asMerged: number;
  /** Times a factor. */
  readonly withFactor: number;
  /** Whether that is \`--scale auto\`; else the factor that does best on other rows. */
  readonly auto: boolean;
}

/** The same of the base model, and of each task's own adapter. */
export const MEASURED_BOUNDS = { base: ${percent(base.seen)}, own: ${percent(own.seen)} } as const;

/** Every method that was measured, best first. */
export const MEASURED_METHODS: Readonly<Record<string, MeasuredMethod>> = {
${rows.join("\n")}
};
`;
}

/** The text of measured-ranks.ts. */
export function measuredRanks(evidence) {
  const tables = Object.entries(RANKED).map(([factor, studies]) => {
    const found = {};
    for (const [study, named, as] of studies) {
      for (const { name, rank, plain } of evidence[study].merges) {
        const match = named.exec(name);
        const method = match === null ? undefined : (as ?? match[1]);
        if (method !== undefined) found[method] = { ...found[method], [rank]: percent(plain.seen) };
      }
    }
    const rows = Object.entries(found).map(([method, ranks]) => {
      return `    ${method}: { ${Object.entries(ranks)
        .map((pair) => pair.join(": "))
        .join(", ")} },\n`;
    });
    return `  ${factor}: {\n${rows.join("")}  },\n`;
  });
  return `// Made by tools/evidence/measured-methods.mjs from docs/evidence.json.

type ByRank = Readonly<Record<string, Readonly<Record<number, number>>>>;

/**
 * What methods scored at each rank that was measured, as merged and with the factor of \`--scale auto\`: accuracy in %, mean over the seven
 * tasks, of the adapters of MEASURED_METHODS.
 */
export const MEASURED_RANKS: { readonly asMerged: ByRank; readonly computed: ByRank } = {
${tables.join("")}};
`;
}

function percent(share) {
  return Number((100 * share).toFixed(1));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const evidence = JSON.parse(readFileSync(new URL("docs/evidence.json", root), "utf8"));
  writeFileSync(new URL("src/analysis/measured-methods.ts", root), measuredMethods(evidence));
  writeFileSync(new URL("src/analysis/measured-ranks.ts", root), measuredRanks(evidence));
}

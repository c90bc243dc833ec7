import type { Adapter } from "../adapter/adapter.ts";
import { triggerWords } from "../adapter/training-metadata.ts";
import type { FormatId } from "../convert/formats.ts";
import { plural } from "../core/plural.ts";
import { printable } from "../core/printable.ts";
import { baseModelOf } from "../formats/peft-folder/read-config.ts";
import type { MergePlan } from "../plan/merge-plan.ts";
import type { MergeReport } from "./report.ts";

/** The model card's file name. */
export const CARD_FILE = "README.md";

const MARK = /^<!-- Written by lora-lego: (.+) -->$/m;

/** The files that a card's folder was written with; null if lora-lego did not write the card. */
export function filesOfCard(text: string): string[] | null {
  const list = MARK.exec(text)?.[1];
  if (list === undefined) return null;
  if (!list.startsWith("[")) return list.split(", ");
  try {
    const names: unknown = JSON.parse(list);
    return Array.isArray(names) && names.every((name) => typeof name === "string") ? names : null;
  } catch {
    return null;
  }
}

/**
 * The model card of a merged adapter: what was merged and how, with hashes that identify the inputs. No paths, no times, so
 * that the same merge writes the same card.
 *
 * @param format the format that the adapter is written in
 * @param files names of all files of the folder
 * @param recipe the text of its recipe file
 * @param datasets what the inputs' cards say they were trained on
 */
export function modelCard(
  plan: MergePlan,
  format: FormatId,
  report: MergeReport,
  files: readonly string[],
  recipe: string,
  datasets: readonly string[],
): string {
  const { totals } = report;
  const base = baseModelOf(plan.config);
  return `---
${base !== null ? `base_model: ${quoted(base)}\nbase_model_relation: adapter\n` : ""}${format === "peft" ? "library_name: peft\n" : ""}${datasets.length === 0 ? "" : `datasets:\n${datasets.map((name) => `- ${quoted(name)}\n`).join("")}`}tags:
- lora
- merge
- lora-lego
- ${plan.method}
---
${markOf(files)}

# Merged LoRA adapter

Made from ${report.inputs.length === 1 ? "one adapter" : `${report.inputs.length} adapters`} by ${report.tool} with the method \`${plan.method}\`, without the base model.

| | |
|---|---|
| modules | ${totals.modules} |
| rank | ${totals.rank} |
| dtype | ${totals.dtype} |
| norm ratio | ${figure(totals.normRatio)} |
| energy | ${figure(totals.energy)} |

## Inputs

| adapter | weight | cosine | sha256 of the weights |
|---|---|---|---|
${report.inputs.map((input, t) => `| ${cell(input.name)} | ${input.weight} | ${figure(totals.cosines[t]!)} | ${input.sha256 === null ? "" : `\`${input.sha256}\``} |`).join("\n")}
${triggerSection(plan.triggerWords)}
## Recipe

\`\`\`yaml
${recipe.split("\n").map(printable).join("\n")}\`\`\`
`;
}

/** The SHA-256 of each input of a merge, in the order of its recipe, by its card; empty where that has none. null for one that it does not tell. */
export function hashesOfCard(text: string): (string | null)[] {
  const [, rows] = /^## Inputs\n\n.*\n.*\n((?:\|.*\n)*)/m.exec(text) ?? [];
  const lines = filesOfCard(text) === null || rows === undefined ? [] : rows.trimEnd().split("\n");
  return lines.map((line) => /\| `([0-9a-f]{64})` \|$/.exec(line)?.[1] ?? null);
}

/**
 * The model card of an adapter that was converted from another format.
 *
 * @param to name of the new format
 * @param files names of all files of the folder
 */
export function conversionCard(
  { name, format, baseModel, modules, metadata }: Adapter,
  to: string,
  files: readonly string[],
  tool: string,
): string {
  return `---
${baseModel === null ? "" : `base_model: ${quoted(baseModel)}\n`}tags:
- lora
- lora-lego
---
${markOf(files)}

# LoRA adapter ${cell(name)}

Converted from ${format} to ${to} by ${tool}: ${plural(modules.size, "module")}, the same deltas.
${triggerSection(triggerWords({ metadata }))}`;
}

/** The model card of a base model that adapters were fused into. */
export function fusionCard(base: string, adapters: readonly string[], files: readonly string[], tool: string): string {
  return `---
base_model: ${quoted(base)}
tags:
- lora-lego
---
${markOf(files)}

# ${cell(base)} with ${adapters.map(cell).join(" and ")}

The deltas of ${plural(adapters.length, "LoRA adapter")} were added to the weights of ${cell(base)} by ${tool}.
`;
}

/** The model card of a LoRA that was extracted from a fine-tune. */
export function extractionCard(base: string, tuned: string, files: readonly string[], tool: string): string {
  return `---
base_model: ${quoted(base)}
base_model_relation: adapter
library_name: peft
tags:
- lora
- lora-lego
---
${markOf(files)}

# LoRA of ${cell(tuned)}

Extracted from ${cell(tuned)} and its base ${cell(base)} by ${tool}.
`;
}

/** What inputs say to write in prompts, as a section after a line; nothing where they say nothing. */
function triggerSection(words: readonly string[]): string {
  return words.length === 0
    ? ""
    : `\n## Trigger words\n\nNamed by the inputs' files, or else the commonest tag of each of their data sets.\n\n${words.map((word) => `- ${cell(word)}\n`).join("")}`;
}

/** A comment must not hold "--" or end early, whatever the files are called. */
function markOf(files: readonly string[]): string {
  return `<!-- Written by lora-lego: ${JSON.stringify(files).replaceAll("-", "\\u002d").replaceAll(">", "\\u003e")} -->`;
}

function figure(value: number | null): string {
  return value === null ? "" : value.toFixed(4);
}

/** A text as YAML and JSON quote it, without what could steer a terminal. */
function quoted(text: string): string {
  return printable(JSON.stringify(text));
}

function cell(text: string): string {
  return text.replace(/[\s\p{Cc}\p{Bidi_Control}]+/gu, " ").replace(/[\\`*_<>|[\]]/g, "\\$&");
}

import { Command } from "commander";
import { kebab } from "../core/kebab.ts";
import { AUTO, autoRules } from "../methods/auto.ts";
import type { Method } from "../methods/method.ts";
import { shownOption } from "../recipe/recipe-flags.ts";
import { table } from "./table.ts";
import { printJson, printLines } from "./terminal.ts";

/** `lora-lego methods`: every registered merge method with its parameters, from the method's own metadata. */
export async function methodsCommand(): Promise<Command> {
  return new Command("methods")
    .description("list the merge methods and their parameters")
    .option("--json", "print the list as JSON on stdout")
    .addHelpText("after", "\nExample:\n  lora-lego methods")
    .action(async ({ json }: { json?: true }) => {
      const { METHODS } = await import("../methods/registry.ts");
      if (json) printJson(METHODS.map(asData));
      else printLines([`${AUTO} (default): ${autoRules()}`, ...METHODS.flatMap((method) => ["", ...asText(method)])]);
    });
}

function asData(method: Method) {
  const { id, title, reference, dependsOn, single, weights, needs, cut } = method;
  const parameters = Object.entries(method.parameters).map(
    ([name, { type, default: value, description, ...rest }]) => ({
      name,
      type,
      choices: "choices" in rest ? rest.choices : null,
      default: value,
      description,
    }),
  );
  return { id, title, reference, dependsOn, single, weights, needs, rank: defaultRank(method), cut, parameters };
}

function asText(method: Method): string[] {
  const { id, title, reference, dependsOn, weights, needs, cut } = method;
  const parameters = Object.entries(method.parameters);
  const asked = cut === "clusters" ? "is reached by clustering" : "is reached by cutting singular values";
  const lines = [
    `${id}: ${title}`,
    `  ${reference}`,
    `  rank: ${defaultRank(method)}; any other ${asked}`,
    `  depends on the ${dependsOn === "delta" ? "deltas alone" : "factors"}; weights are ${weights}`,
  ];
  if (needs.adapters !== undefined) lines.push(`  needs ${needs.adapters} adapters`);
  if (needs.equalRanks) lines.push("  needs adapters of equal rank");
  if (parameters.length === 0) return lines;
  const rows = parameters.map(([name, parameter]) => [
    `  --${kebab(name)}`,
    parameter.type === "choice"
      ? parameter.choices.join("|")
      : parameter.type === "boolean"
        ? "on|off"
        : parameter.type,
    shownOption(parameter.default),
    parameter.description,
  ]);
  return [...lines, ...table(["  parameter", "type", "default", "meaning"], rows)];
}

/** The rank of a result when none is asked for, as text. */
function defaultRank(method: Method): string {
  const target = method.defaultTarget(4, [[1, 4]]);
  if (target.kind === "rank")
    return target.rank === 4 ? "the largest input rank" : "the geometric mean of the input ranks";
  return method.fullRank([1, 1], { in: 2, out: 2 }) === 2 ? "the sum of the ranks" : "the inputs' own rank";
}

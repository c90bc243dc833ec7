import { Command } from "commander";
import type { Method } from "../methods/method.ts";
import type { Parameter } from "../methods/parameters.ts";
import { kebab, shownDefault } from "./method-flags.ts";
import { table } from "./table.ts";
import { printJson, printLines } from "./terminal.ts";

/** `lora-lego methods`: every registered merge method with its parameters, out of its own metadata and schema. */
export async function methodsCommand(): Promise<Command> {
  return new Command("methods")
    .description("list the merge methods and their parameters")
    .option("--json", "print the list as JSON on stdout")
    .addHelpText("after", "\nExample:\n  lora-lego methods")
    .action(async ({ json }: { json?: true }) => {
      const { METHODS } = await import("../methods/registry.ts");
      const { parametersOf } = await import("../methods/parameters.ts");
      const { z } = await import("zod");
      const described = METHODS.map((method) => ({ method, parameters: parametersOf(method, z) }));
      if (json) printJson(described.map(asData));
      else printLines(described.flatMap((method, i) => (i === 0 ? asText(method) : ["", ...asText(method)])));
    });
}

interface Described {
  readonly method: Method;
  readonly parameters: readonly Parameter[];
}

function asData({ method, parameters }: Described) {
  const { id, title, reference, dependsOn, single, weights, needs, cut } = method;
  return { id, title, reference, dependsOn, single, weights, needs, rank: defaultRank(method), cut, parameters };
}

function asText({ method, parameters }: Described): string[] {
  const { id, title, reference, dependsOn, weights, needs, cut } = method;
  const asked = cut === "clusters" ? "by clustering to it" : "cut by singular values";
  const lines = [
    `${id}: ${title}`,
    `  ${reference}`,
    `  rank: ${defaultRank(method)}; any other ${asked}`,
    `  depends on the ${dependsOn === "delta" ? "deltas alone" : "factors"}; weights are ${weights}`,
  ];
  if (needs.adapters !== undefined) lines.push(`  needs ${needs.adapters} adapters`);
  if (needs.equalRanks) lines.push("  needs adapters of equal rank");
  if (parameters.length === 0) return lines;
  const rows = parameters.map(({ name, type, choices, default: value, description }) => [
    `  --${kebab(name)}`,
    choices?.join("|") ?? (type === "boolean" ? "on|off" : type),
    shownDefault(value),
    description,
  ]);
  return [...lines, ...table(["  parameter", "type", "default", "meaning"], rows)];
}

/** The rank of a result when none is asked for, in words. */
function defaultRank(method: Method): string {
  if (method.defaultTarget(1).kind === "rank") return "the largest input rank";
  return method.fullRank([1, 1], { in: 2, out: 2 }) === 2 ? "the sum of the ranks" : "the inputs' own rank";
}

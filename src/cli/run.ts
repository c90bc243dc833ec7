import { dirname, resolve } from "node:path";
import { Command } from "commander";
import { AUTO, chooseMethod } from "../methods/auto.ts";
import { nearPath } from "../node/files/near-path.ts";
import { freeNames } from "../node/output/free-name.ts";
import type { LoadedRecipe } from "../node/run-recipe.ts";
import type { Fix } from "../plan/warning.ts";
import type { Recipe } from "../recipe/recipe.ts";
import { isRemotePath } from "../remote/remote-path.ts";
import { nextMerges } from "../report/next-merges.ts";
import type { MergeReport } from "../report/report.ts";
import { reportedChoice } from "../report/reported-choice.ts";
import { printWarnings, warnAgainst } from "./failure.ts";
import { addBaseOption, addRunOptions, OUT_HELP, type OutputFlags, outputOf } from "./output-flags.ts";
import { parsePath } from "./parse-flags.ts";
import { showProgress } from "./progress.ts";
import { printJson, printLine, sayLine } from "./terminal.ts";
import { untilInterrupted } from "./until-interrupted.ts";

interface RunFlags extends Omit<OutputFlags, "out" | "report"> {
  readonly out?: string;
  readonly adapters?: string;
}

/** `lora-lego run`: carry out a recipe file, one merge or several. */
export async function runCommand(): Promise<Command> {
  const command = new Command("run")
    .description("carry out a recipe file (docs/recipe.md)")
    .argument("<recipe>", "YAML file, such as the recipe.yaml that a merge writes into its folder", parsePath)
    .option("-o, --out <path>", `${OUT_HELP} (default: the recipe's)`, parsePath)
    .option(
      "--adapters <dir>",
      "folder that relative adapter paths start from (default: the recipe's folder, or the one around it or this one where only that holds them)",
      parsePath,
    );
  addBaseOption(command);
  addRunOptions(command);
  command.addHelpText(
    "after",
    "\nExamples:\n  lora-lego run recipe.yaml --out merged\n  lora-lego run recipe.yaml --to gguf --base-config base/config.json --out merged.gguf",
  );
  return command.action(async (file: string, flags: RunFlags) => {
    const { loadRecipe } = await import("../node/run-recipe.ts");
    const recipe = await loadRecipe(file, flags.adapters);
    if (flags.adapters === undefined && recipe.from !== dirname(resolve(file))) {
      sayLine(`The adapters are taken from ${recipe.from}.`);
    }
    await (flags.dryRun ? dryRun(recipe, flags) : run(recipe, flags));
  });
}

async function run(recipe: LoadedRecipe, flags: RunFlags): Promise<void> {
  const { runRecipe } = await import("../node/run-recipe.ts");
  const { printReport } = await import("./print-report.ts");
  const { printEnding } = await import("./print-ending.ts");
  const quiet = flags.json ?? flags.quiet ?? false;
  let progress = await showProgress(true);
  const outcomes = await untilInterrupted((signal) =>
    runRecipe(recipe, {
      ...optionsOf(flags),
      signal,
      onProgress: (state) => progress.onProgress(state),
      async onStep(name) {
        progress.stop();
        if (name !== null && !quiet) sayLine(`step ${name}`);
        progress = await showProgress(quiet);
      },
    }),
  ).finally(() => progress.stop());
  for (const { report } of outcomes) printWarnings(report.warnings);
  const last = outcomes.at(-1)!;
  if (flags.json) {
    printJson(last.name === null ? last.report : { steps: outcomes.map(({ name, report }) => ({ name, report })) });
  } else if (!quiet) {
    const out = flags.out ?? nearPath(recipe.out!);
    printReport(last.report, out, last.format, recipe.steps.at(-1)!.recipe);
    const paths = recipe.paths
      .at(-1)!
      .flatMap((path) => (path === null ? [] : isRemotePath(path) ? path : nearPath(path)));
    const next = outcomes.flatMap(({ name, report }, n) =>
      nextMerges(report).map((fix) => ({ why: fix.why, how: inRecipe(fix, name, report, recipe.steps[n]!.recipe) })),
    );
    await printEnding(last.report, out, {
      next,
      paths: paths.length === last.report.inputs.length ? paths : null,
      from: last.from,
      made: recipe.steps.at(-1)!.recipe.for ?? null,
      written: recipe.report,
      free: freeNames(),
    });
  }
}

/** What to change in a recipe file. */
function inRecipe(
  { why: _, options, weights, sizes, leaves, ...others }: Fix,
  step: string | null,
  report: MergeReport,
  recipe: Recipe,
): string {
  const { inputs, totals } = report;
  const acting = totals.shares.filter((share, t) => share !== null && !leaves?.includes(t)).length;
  // A recipe's own factor stays where nothing replaces it.
  const auto = chooseMethod(acting, reportedChoice(report).crowded);
  const fields = { ...others, ...(others.method === AUTO && others.scale === undefined && { scale: auto.scale }) };
  const lines = [
    ...(leaves ?? []).map((t) => `leave ${inputs[t]!.name} out`),
    ...(sizes ?? []).flatMap((size, t) =>
      size === 1
        ? []
        : [
            `a step { name: large-${t + 1}, adapters: [${inputs[t]!.name}], method: cat, scale: ${size} } in place of ${inputs[t]!.name}`,
          ],
    ),
    ...Object.entries(fields).map(([name, value]) => `${name}: ${value}`),
    ...(others.method !== undefined && options === undefined && hasOptions(recipe) ? ["no options"] : []),
    ...Object.entries(options ?? {}).map(([name, value]) => `options: { ${name}: ${value} }`),
    ...(weights ?? []).flatMap((weight, t) =>
      weight === inputs[t]!.weight ? [] : [`weight: ${weight} for ${inputs[t]!.name}`],
    ),
  ];
  return `in the ${step === null ? "recipe" : `step ${step}`}: ${lines.join("; ")}`;
}

/** Whether a recipe gives options, which are those of its method alone. */
function hasOptions({ options }: Recipe): boolean {
  return Object.keys(options ?? {}).length > 0;
}

async function dryRun(recipe: LoadedRecipe, flags: RunFlags): Promise<void> {
  const { planRecipe } = await import("../node/run-recipe.ts");
  const { printPlan } = await import("./print-plan.ts");
  const planned = await planRecipe(recipe, optionsOf(flags));
  for (const { plan, against } of planned) {
    printWarnings(plan.warnings);
    warnAgainst(against);
  }
  const last = planned.at(-1)!;
  if (flags.json) printJson(last.name === null ? last.plan : { steps: planned });
  else if (!flags.quiet) {
    for (const [n, step] of planned.entries()) {
      printPlan(
        step,
        step === last
          ? (flags.out ?? (recipe.out === null ? "the output" : nearPath(recipe.out)))
          : `step ${step.name}`,
        recipe.steps[n]!.recipe,
      );
      if (step !== last) printLine();
    }
  }
}

function optionsOf(flags: RunFlags) {
  return { ...outputOf(flags), ...(flags.out !== undefined && { out: flags.out }) };
}

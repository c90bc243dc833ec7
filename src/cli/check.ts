import { Command } from "commander";
import { CONSUMER_IDS, consumerById } from "../adapter/consumers.ts";
import { plural } from "../core/plural.ts";
import { printable } from "../core/printable.ts";
import { shellPath } from "../core/shell-word.ts";
import type { CheckedAdapter } from "../node/check-adapter.ts";
import { adaptersAmong } from "./adapter-paths.ts";
import { reportFailure } from "./failure.ts";
import { printParagraph, wrapped } from "./page.ts";
import { collectPath, parsePath } from "./parse-flags.ts";
import { showDownload } from "./progress.ts";
import { dim, green, printCommand, printJson, printLine, printLines, red, yellow } from "./terminal.ts";

interface CheckFlags {
  readonly for?: string;
  readonly base?: string;
  readonly baseConfig?: string;
  readonly json?: true;
}

const COLOURS = { fails: red, differs: yellow, note: dim } as const;

/** `lora-lego check`: does a program load an adapter, and does it mean the same there? */
export async function checkCommand(): Promise<Command> {
  const versions = CONSUMER_IDS.map((id) => consumerById(id)).map(({ title, version }) => `${title} ${version}`);
  return new Command("check")
    .description("check whether a server or app loads an adapter, and whether it means the same there")
    .argument("<adapter...>", "folders or files of LoRA adapters, in any supported format", collectPath)
    .option("--for <consumer>", `${CONSUMER_IDS.join(", ")} (default: one line for each of them)`)
    .option(
      "--base <model>",
      "compare names, sizes and tied weights with the base: a folder, .safetensors, .gguf or hf:// (only headers are read)",
      parsePath,
    )
    .option(
      "--base-config <path>",
      "compare with the base model's config.json, or the one in its folder: layers, widths, vocabulary, tied weights, architecture",
      parsePath,
    )
    .option("--json", "print the findings, and what was not looked at, as JSON on stdout")
    .addHelpText(
      "after",
      [
        "",
        ...wrapped(`Verdicts apply to ${versions.join(", ")} (docs/formats/consumers.md).`, 2),
        "\nExit status: 0 if no problem was found (what was not looked at is listed),",
        "1 if an adapter fails to load or means something else (without --for: in every",
        "program), or a file is refused, 2 for wrong usage.",
        "\nExamples:\n  lora-lego check merged/\n  lora-lego check merged/ --for vllm --base hf://acme/base\n  lora-lego check merged/ --for sglang --base-config config.json",
      ].join("\n"),
    )
    .action(async (paths: string[], flags: CheckFlags) => {
      const { checkPath } = await import("../node/check-adapter.ts");
      const { distinctNames } = await import("../node/input/adapter-path.ts");
      const { openBase } = await import("../node/input/open-base.ts");
      const consumers = (flags.for === undefined ? CONSUMER_IDS : [flags.for]).map(consumerById);
      const base = await openBase(flags);
      const named = {
        ...(flags.base !== undefined && { base: flags.base }),
        ...(flags.baseConfig !== undefined && { baseConfig: flags.baseConfig }),
      };
      const checked: CheckedAdapter[] = [];
      const all = await adaptersAmong(paths);
      const names = distinctNames(all);
      for (const [n, path] of all.entries()) {
        try {
          const opening = { name: names[n]!, onDownload: showDownload };
          const checks = await checkPath({ path, ...named }, consumers, base, opening);
          checked.push(...checks);
          if (!checks.some(({ good }) => good)) process.exitCode = 1;
          if (flags.json) continue;
          const [only, ...others] = checks;
          if (others.length === 0) printCheck(only!);
          else printVerdicts(path, checks, baseFlags(flags));
        } catch (error) {
          process.exitCode = Math.max(Number(process.exitCode ?? 0), reportFailure(error));
        }
      }
      if (flags.json) printJson(checked);
    });
}

/** All that was found for one program. */
function printCheck({ name, for: id, version, good, findings, unseen, mended }: CheckedAdapter): void {
  printLine(`${name}: ${verdict(good, unseen.length > 0, `${consumerById(id).title} ${version}`)}`);
  for (const { level, text } of findings) printLabelled(`${level}:`, COLOURS[level], text);
  for (const text of unseen) printLabelled("not looked at:", dim, text);
  if (mended === null) return;
  const { command, note } = mended;
  if (command === null) printParagraph(`No command mends that: ${note}`);
  else printCommand(`Mend all of it: ${command}`);
  if (command !== null && note !== null) printParagraph(note);
  explainBase([mended]);
}

/** Say what BASE stands for, where a command has it. */
function explainBase(mended: readonly CheckedAdapter["mended"][]): void {
  if (!mended.some((own) => / BASE(\/|\s|$)/.test(own?.command ?? ""))) return;
  printParagraph("BASE stands for the base model's folder: put its path there.");
}

/** A line of what was found, within the page. */
function printLabelled(label: string, colour: typeof dim, text: string): void {
  const [first, ...rest] = wrapped(printable(text), 4, label.length + 3);
  printLine("  ", colour(label), ` ${first}`);
  printLines(rest);
}

/** One line for each program: whether it takes the adapter, and the first thing against it. */
function printVerdicts(path: string, checks: readonly CheckedAdapter[], flags: readonly string[]): void {
  printLine(`${checks[0]!.name}:`);
  const printed = new Map<string, string>();
  for (const { for: id, version, good, findings, unseen, undecided, mended } of checks) {
    const { title } = consumerById(id);
    const against = findings.find(({ level }) => level !== "note");
    const colour = good ? (undecided === null ? green : dim) : COLOURS[against!.level];
    const why = good
      ? undecided !== null
        ? `not known: ${undecided}`
        : unseen.length > 0
          ? `nothing found against it (not looked at: ${plural(unseen.length, "thing")})`
          : "loads it as it is"
      : against!.text;
    const [first, ...rest] = wrapped(printable(`${title} ${version}: ${withoutProgram(why, title, version)}`), 6, 6);
    printLine("  ", colour(good ? (undecided === null ? "ok" : "? ") : "no"), `  ${first}`);
    printLines(rest);
    if (mended === null || mended.command === null) continue;
    const before = printed.get(mended.command);
    if (before === undefined) printCommand(`      ${mended.command}`);
    else printLine(`      by the same command as for ${before}`);
    printed.set(mended.command, before ?? title);
  }
  explainBase(checks.map(({ mended }) => mended));
  const first = checks.find(({ good, undecided }) => good && undecided === null) ?? checks[0]!;
  const words = ["lora-lego check", shellPath(path), "--for", first.for, ...flags];
  printCommand(`All about one of them: ${words.join(" ")}`);
}

/** What is said of a program behind its name, which is not said twice. */
function withoutProgram(text: string, title: string, version: string): string {
  for (const name of [`${title} ${version} `, `${title} `]) if (text.startsWith(name)) return text.slice(name.length);
  return text;
}

/** The flags that say what an adapter is compared with, for a command. */
function baseFlags({ base, baseConfig }: CheckFlags): string[] {
  return [
    ...(base === undefined ? [] : ["--base", shellPath(base)]),
    ...(baseConfig === undefined ? [] : ["--base-config", shellPath(baseConfig)]),
  ];
}

/** The verdict; it claims no more than was looked at. */
function verdict(good: boolean, unseen: boolean, program: string): string {
  if (!good) return `not for ${program} as it is`;
  return unseen
    ? `nothing found that keeps ${program} from loading it as intended`
    : `${program} loads it, and it means the same`;
}

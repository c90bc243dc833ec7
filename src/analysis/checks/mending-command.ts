import type { Adapter } from "../../adapter/adapter.ts";
import type { Consumer } from "../../adapter/consumers.ts";
import { expertOf } from "../../adapter/experts.ts";
import { factorsAlone } from "../../adapter/factors-alone.ts";
import { ofImageModel } from "../../adapter/names/components.ts";
import { mlxName } from "../../adapter/names/mlx.ts";
import type { WrittenFormat } from "../../convert/formats.ts";
import { convertFor } from "../../convert/output-format.ts";
import { isTiable } from "../../convert/refuse-tied.ts";
import { LoraLegoError, UsageError } from "../../core/errors.ts";
import { shellPath, shellWord } from "../../core/shell-word.ts";
import { WEIGHTS_FILE } from "../../formats/peft-folder/files.ts";
import { makePlan } from "../../plan/plan.ts";
import { planOutput } from "../../plan/plan-output.ts";
import { GGUF_FLAG } from "../../report/fix-command.ts";
import type { Finding, Mend } from "./finding.ts";

/** How paths begin that name nothing on this machine. */
const ON_A_SERVER = /^(?:hf|https?):\/\//;

/** How to mend all that was found against an adapter. */
export interface Mended {
  /** To copy into a shell; null where the adapter itself refuses what would mend it. */
  readonly command: string | null;
  /** What the command leaves out that no finding names, or why there is none, as a sentence; null for neither. */
  readonly note: string | null;
}

/** An adapter, and its base model where somebody named it, as the user wrote their paths. */
export interface NamedPaths {
  readonly path: string;
  readonly base?: string;
  readonly baseConfig?: string;
}

/**
 * The one command that mends all problems among some findings, planned from headers before it is named; null where there are none, or
 * one that no command mends.
 *
 * @param free gives a path like this one where nothing is yet, the same to the same command
 */
export async function mendingCommand(
  adapter: Adapter,
  consumer: Consumer,
  findings: readonly Finding[],
  paths: NamedPaths,
  free: (path: string, command: string) => string,
): Promise<Mended | null> {
  const problems = findings.filter(({ level }) => level !== "note");
  if (problems.length === 0 || problems.some(({ mend }) => mend === undefined)) return null;
  const mend: Mend = Object.assign({}, ...problems.map((own) => own.mend));
  const out = outputOf(adapter, paths.path, formatOf(mend, consumer));
  const to = (command: string, place: string): string => `${command} --out ${shellPath(free(place, command))}`;
  // What is in the base itself needs nothing else.
  if (mend.fused) {
    const note =
      "Its tensors besides the factors replace the base's of their names; where that has none, --extras drop leaves them out.";
    return { command: to(fuseFor(paths), `${stemOf(out)}-fused`), note: adapter.extras.size > 0 ? note : null };
  }
  const named = (own: Mend): string => to(commandFor(own, adapter, consumer, paths), out);
  const refused = await refusalOf(mend, adapter, consumer, out);
  if (refused === null) return { command: named(mend), note: null };
  const dropped: Mend = { ...mend, extras: "drop" };
  if (mend.extras === undefined && (await refusalOf(dropped, adapter, consumer, out)) === null) {
    return {
      command: named(dropped),
      note: "Its tensors besides the factors are left out then, if the task does not need them.",
    };
  }
  return { command: null, note: refused };
}

/** The format that is written; null where the adapter keeps its own. */
function formatOf({ to, fitted }: Mend, { formats }: Consumer): WrittenFormat | null {
  return to ?? (fitted ? (formats[0] as WrittenFormat) : null);
}

/** Whether a conversion is not enough. */
function isMerge({ fitted, rank, rankLayout, exclude }: Mend): boolean {
  return fitted === true || [rank, rankLayout, exclude].some((own) => own !== undefined);
}

/** Why the adapter cannot be mended so, as far as headers tell; null if it can. */
async function refusalOf(mend: Mend, adapter: Adapter, { id }: Consumer, out: string): Promise<string | null> {
  // What the base model decides is not known here.
  if (adapter.format === "gguf" || mend.onBase) return null;
  const { to, fitted, rank, rankLayout, exclude, extras } = mend;
  const choice = fitted ? { for: id } : { ...(to !== undefined && { to }) };
  try {
    if (isMerge(mend)) {
      const plan = makePlan([adapter], {
        ...(rank === undefined ? { method: "cat" } : { target: { kind: "rank", rank } }),
        ...(fitted && { for: id }),
        ...(rankLayout !== undefined && { rankLayout }),
        ...(exclude !== undefined && { exclude: [exclude] }),
        ...(extras !== undefined && { extras }),
      });
      await planOutput(out, choice, { plan, adapters: [adapter], baseConfig: null });
    } else await convertFor(out, choice, extras === "drop" ? factorsAlone(adapter) : adapter, null);
    return null;
  } catch (error) {
    // A format that needs the base's config asks for it last.
    if (error instanceof UsageError) return null;
    if (error instanceof LoraLegoError) return error.message;
    throw error;
  }
}

/** The command that adds an adapter to its base, without its output. */
function fuseFor({ path, base }: NamedPaths): string {
  const folder = base === undefined || ON_A_SERVER.test(base) || base.endsWith(".gguf") ? "BASE" : shellPath(base);
  return `lora-lego fuse ${shellPath(path)} --base ${folder}`;
}

/** The command that writes the adapter anew, without its output. */
function commandFor(mend: Mend, adapter: Adapter, consumer: Consumer, paths: NamedPaths): string {
  const { to, fitted, rank, rankLayout, exclude, extras, onBase } = mend;
  const cuts = rank !== undefined;
  const verb = !isMerge(mend) ? "convert" : cuts && !fitted && exclude === undefined ? "resize" : "merge";
  const words = [
    shellPath(paths.path),
    ...(cuts ? ["--rank", String(rank)] : verb === "merge" ? ["--method cat"] : []),
    ...(fitted ? ["--for", consumer.id] : to === undefined ? [] : ["--to", to]),
    ...(exclude === undefined ? [] : ["--exclude", shellWord(exclude)]),
    ...(rankLayout === undefined ? [] : ["--rank-layout", rankLayout]),
    ...(extras === undefined ? [] : ["--extras", extras]),
    ...(onBase ? ["--base", paths.base === undefined ? "BASE" : shellPath(paths.base)] : []),
    ...(needsConfig(adapter, formatOf(mend, consumer)) ? configFlag(paths) : []),
  ];
  return `lora-lego ${verb} ${words.join(" ")}`;
}

/** Whether the base's config is needed: for the names of GGUF files and, where models differ in them, MLX, and for stacks of experts. */
function needsConfig({ format, modules }: Adapter, to: WrittenFormat | null): boolean {
  if (format === "gguf" || to === "gguf") return true;
  const byBase = (module: { readonly name: string }): boolean =>
    isTiable(module) || expertOf(module.name) !== null || mlxName(null, module.name) === null;
  return to === "mlx" && [...modules.values()].some(byBase);
}

/** The flag that names the base's config, with the one that was named, or that lies in the base's folder. */
function configFlag({ base, baseConfig }: NamedPaths): readonly string[] {
  const folder =
    base === undefined || ON_A_SERVER.test(base) || /\.(?:safetensors|gguf)$/.test(base) ? undefined : base;
  const config = baseConfig ?? folder;
  return config === undefined ? GGUF_FLAG.words : [GGUF_FLAG.words[0], shellPath(config)];
}

/** What the output is called, before a number that tells it from others. */
function outputOf({ modules }: Adapter, path: string, to: WrittenFormat | null): string {
  // An adapter of an image model alone is written as a .safetensors file.
  const ofImages = ofImageModel(modules.keys());
  const place = ofImages ? path : path.replace(new RegExp(`/${WEIGHTS_FILE}$`), "");
  const [, name] = /([^/]*)\/*$/.exec(place.replace(/@[^/]*$/, ""))!;
  const own = ON_A_SERVER.test(place) ? name! : place.replace(/\/+$/, "");
  const stem = stemOf(own);
  if (to === null) return ofImages || own.endsWith(".gguf") ? own : stem;
  return `${stem}${to === "gguf" ? ".gguf" : to === "kohya" || to === "diffusers" ? ".safetensors" : ""}`;
}

function stemOf(path: string): string {
  return path.replace(/\.(?:safetensors|gguf)$/, "");
}

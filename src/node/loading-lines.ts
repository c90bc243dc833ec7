import { existsSync } from "node:fs";
import { basename, extname, join } from "node:path";
import type { Adapter, DialectId } from "../adapter/adapter.ts";
import type { ConsumerId } from "../adapter/consumer-facts.ts";
import { consumerById } from "../adapter/consumers.ts";
import { ofImageModel } from "../adapter/names/components.ts";
import { isPath } from "../adapter/same-base.ts";
import { refusedModel } from "../analysis/checks/base.ts";
import { baseSaid, type LoadingLine, programLines } from "../analysis/loading-lines.ts";
import type { WrittenFormat } from "../convert/formats.ts";
import { convertFor } from "../convert/output-format.ts";
import { LoraLegoError } from "../core/errors.ts";
import { shellPath } from "../core/shell-word.ts";
import { diskAdapter } from "./input/adapter-path.ts";
import { baseOnDisk } from "./input/base-on-disk.ts";

/** How to load an adapter. */
export interface Loading {
  readonly lines: readonly LoadingLine[];
  /** The other programs for models of its kind, against which something is found. */
  readonly refused: readonly string[];
  /** Why the program that it was made for does not load it as intended; null if nothing is known against it. */
  readonly against: string | null;
  /** The programs of which nothing can be said without the base's config. */
  readonly undecided: readonly string[];
  /** Whether the base model's config.json was there to compare with. */
  readonly compared: boolean;
  /** What BASE stands for in them; null where they do not have it. */
  readonly base: string | null;
}

/**
 * How to load an adapter in each program against which nothing is found in its headers and config, as `check` reads them, and how to bring
 * it into other formats that it is likely to be wanted in. Of the base model the config.json is looked at, where that is on this machine.
 *
 * @param path a folder or file on this machine
 * @param from formats of the adapters that it was made of
 * @param free names the files that commands write
 * @param made the program that it was made for; null for none
 * @param base the folder of its base model, where somebody passed that
 */
export async function loadingLines(
  path: string,
  from: readonly DialectId[],
  free: (path: string) => string,
  made: ConsumerId | null = null,
  base: string | null = null,
): Promise<Loading> {
  const { adapter, files, close } = await diskAdapter(path, {});
  close();
  const weights = basename(files[0]?.path ?? path);
  const isFile = basename(path) === weights;
  const { named, here, facts } = knownBase(adapter, base);
  const { lines, refused, against, undecided } = programLines(
    adapter,
    {
      path,
      weights: isFile ? path : join(path, weights),
      // Programs would take a name that begins with a dash for a flag.
      name: (isFile ? basename(path, extname(path)) : basename(path)).replace(/^-+(?=.)/, ""),
      base: here ? named : null,
    },
    made,
    facts,
  );
  return {
    lines: [...lines, ...(await otherFormats(adapter, path, from, free))],
    refused,
    against,
    undecided,
    compared: facts !== null,
    base: baseSaid({ lines }, named, here, named !== null && here && (named.includes("/") || existsSync(named))),
  };
}

/**
 * Why a program takes no LoRA at all for the model of adapters, by their headers and the config of the base, where that is on this machine;
 * null where it may.
 *
 * @param program none takes any
 * @param base the folder of the base model, where somebody passed that
 */
export function modelRefusal(
  adapters: readonly Adapter[],
  program: ConsumerId | undefined,
  base: string | undefined,
): string | null {
  if (program === undefined) return null;
  for (const adapter of adapters) {
    const refusal = refusedModel(adapter, consumerById(program), knownBase(adapter, base ?? null).facts);
    if (refusal !== null) return refusal.text;
  }
  return null;
}

/** The base that is passed or else that the adapter names: whether it is no path of another machine, and what its config says. */
function knownBase({ baseModel }: Adapter, passed: string | null) {
  const named = passed ?? baseModel;
  const here = named !== null && (!isPath(named) || existsSync(named));
  return { named, here, facts: here ? baseOnDisk(named) : null };
}

/** Commands for the formats that the adapters came in, and that programs for image models load. */
async function otherFormats(
  adapter: Adapter,
  path: string,
  from: readonly DialectId[],
  free: (path: string) => string,
): Promise<LoadingLine[]> {
  const line = async (title: string, to: WrittenFormat, end: string): Promise<LoadingLine[]> => {
    const out = free(`${path.replace(/\/+$/, "").replace(/\.(safetensors|gguf)$/, "")}${end}`);
    try {
      await convertFor(out, { to }, adapter, null);
    } catch (error) {
      if (error instanceof LoraLegoError) return [];
      throw error;
    }
    return [{ title, line: `lora-lego convert ${shellPath(path)} --to ${to} --out ${shellPath(out)}` }];
  };
  if (ofImageModel(adapter.modules.keys())) {
    const kohya = adapter.format === "kohya" ? [] : await line("kohya's names (for ComfyUI)", "kohya", ".safetensors");
    const diffusers = adapter.format === "peft" ? await line("diffusers' names", "diffusers", ".safetensors") : [];
    return [...kohya, ...diffusers];
  }
  const ofMlx = adapter.format === "peft" && from.length > 0 && from.every((format) => format === "mlx");
  return ofMlx ? line("mlx-lm's format, as the adapters were", "mlx", "") : [];
}

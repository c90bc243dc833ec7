import type { Adapter } from "../adapter/adapter.ts";
import { type ConsumerId, consumerById } from "../adapter/consumers.ts";
import { factorsAlone } from "../adapter/factors-alone.ts";
import { lessInitial } from "../adapter/less-initial.ts";
import type { Conversion } from "../convert/conversion.ts";
import { convertFor, refuseUnshaped } from "../convert/output-format.ts";
import { UsageError } from "../core/errors.ts";
import { maximum } from "../core/maximum.ts";
import { shellPath } from "../core/shell-word.ts";
import { VERSION } from "../core/version.ts";
import { tokensKey } from "../formats/peft-folder/inner-keys.ts";
import { biasKey } from "../formats/peft-folder/keys.ts";
import { configText } from "../formats/peft-folder/write-config.ts";
import { refuseUnactivated } from "../plan/activation.ts";
import { consumerRank, refuseUnloadable } from "../plan/for-consumer.ts";
import { inputWarnings } from "../plan/input-warnings.ts";
import type { Warning } from "../plan/warning.ts";
import { withoutSecrets } from "../remote/web/web-path.ts";
import { CARD_FILE, conversionCard } from "../report/card.ts";
import { sharedTokenizerFiles } from "../report/tokenizer-files.ts";
import { type Call, checkCall } from "./call/check-call.ts";
import { CONSUMER, COUNT, FORMAT, PATH } from "./call/rules.ts";
import { type DiskAdapter, diskAdapters, INPUT, inputPaths } from "./input/adapter-path.ts";
import { baseConfigPath, readBaseConfig } from "./input/base-config.ts";
import { folderReader } from "./input/folder-reader.ts";
import { type FormatOptions, type InputOptions, PLACE } from "./merge-adapters.ts";
import { writeWeights } from "./merge-into.ts";
import { openOnBase } from "./open-on-base.ts";
import type { OutputOptions } from "./output/into-output.ts";
import { OutputFolder } from "./output/output-folder.ts";
import { intoOutput } from "./output/output-place.ts";

/** How to convert. */
export interface ConvertOptions extends FormatOptions, InputOptions, Omit<OutputOptions, "bytes"> {
  /** Where to write: one file if the name ends in .safetensors or .gguf, else a folder. */
  readonly out: string;
  /** The program that will load the result; what it would not load is refused. Default: none in particular. */
  readonly for?: ConsumerId;
  /** Leave out heads, biases and other tensors besides the factors, or refuse them if the format cannot hold them. Default error. */
  readonly extras?: "error" | "drop";
  /**
   * Path of the adapter as it was before training, for PiSSA, OLoRA, CorDA and LoRA-GA, whose training began with a changed base: the result
   * is a plain LoRA of twice the rank.
   */
  readonly fromInit?: string;
  /**
   * Folder of the base model in safetensors, for adapters of PEFT's methods whose deltas only it tells: VeRA, PVeRA, RandLora, MiSS, Bone and
   * HiRA.
   */
  readonly base?: string;
  /** With `base`: the rank of what is extracted where the base's weights count (HiRA, MiSS as "bat"). Default: the adapter's own. */
  readonly rank?: number;
}

const CONVERT: Call<ConvertOptions> = {
  name: "convertAdapter",
  takes: { path: PATH },
  options: {
    ...INPUT,
    ...PLACE,
    out: { ...PATH, needed: true },
    to: FORMAT,
    for: CONSUMER,
    baseConfig: PATH,
    extras: { type: "choice", choices: ["error", "drop"] },
    fromInit: PATH,
    base: PATH,
    rank: COUNT,
  },
};

/** What was written. */
export interface Converted {
  readonly from: string;
  readonly to: string;
  readonly modules: number;
  readonly tensors: number;
  /** Size of the weights file. */
  readonly bytes: number;
  /** What the input holds that users should know; the same as a merge's. */
  readonly warnings: readonly Warning[];
}

/**
 * Write the adapter at a path in another format. What is written appears complete or not at all.
 *
 * @throws RefusedError for what the format cannot carry, OutputError when the target cannot be written
 * @example
 * ```ts
 * import { convertAdapter } from "lora-lego/node";
 *
 * const { to, modules } = await convertAdapter("adapters/sort", { to: "mlx", out: "sort-mlx" });
 * console.log(to, modules); // mlx 21
 * ```
 */
export async function convertAdapter(path: string, options: ConvertOptions): Promise<Converted> {
  checkCall(CONVERT, [path, options]);
  const { out, baseConfig: given, extras, fromInit, base, rank, ...opening } = options;
  if (base === undefined && rank !== undefined) {
    throw new UsageError("--rank is that of what --base extracts; pass --base too, or use lora-lego resize --rank.");
  }
  const config = baseConfigPath(given);
  const baseConfig = readBaseConfig(config);
  const paths = [path, ...(fromInit === undefined ? [] : [fromInit])];
  const reading = { ...opening, baseConfig };
  const all =
    base === undefined
      ? await diskAdapters(paths, reading)
      : [await openOnBase(path, reading, { base, rank }), ...(await diskAdapters(paths.slice(1), reading))];
  const [opened, init] = all as [DiskAdapter, DiskAdapter?];
  try {
    const trained = extras === "drop" ? factorsAlone(opened.adapter) : opened.adapter;
    const adapter = init === undefined ? trained : lessInitial(trained, init.adapter);
    if (options.for !== undefined) refuseUnfit(adapter, options.for, [withoutSecrets(path), out]);
    const { writer, conversion } = await convertFor(out, options, adapter, baseConfig);
    const inputs = [...inputPaths(paths, all), ...(config === undefined ? [] : [config])];
    const { force, onNotice, signal } = options;
    const place = { bytes: conversion.layout.size, ...(force && { force }), ...(onNotice && { onNotice }) };
    await intoOutput(out, inputs, place, async (output) => {
      await writeWeights(adapter, conversion, output, signal);
      if (output instanceof OutputFolder) await writeBeside(output, opened, conversion, writer.id);
    });
    return {
      from: adapter.format,
      to: writer.id,
      modules: adapter.modules.size,
      tensors: conversion.tensors.length,
      bytes: conversion.layout.size,
      warnings: inputWarnings([opened.adapter]),
    };
  } finally {
    for (const { close } of all) close();
  }
}

/** Refuse what a program would not load, or would load with another meaning, in any format. */
function refuseUnfit(adapter: Adapter, id: ConsumerId, places: readonly [path: string, out: string]): void {
  const { modules, extras, tokenRows } = adapter;
  const consumer = consumerById(id);
  const [path] = places;
  refuseUnshaped(consumer, adapter, places);
  const biases = [...modules.values()].flatMap(({ name, bias }) => (bias === undefined ? [] : [biasKey(name)]));
  const rows = Array.from(tokenRows.keys(), tokensKey);
  const keys = [...extras.keys(), ...biases, ...rows].map((key) => ({ key }));
  refuseUnloadable(consumer, [...modules.values()], keys);
  refuseUnactivated(consumer, adapter.invocationTokens);
  const rank = maximum([...modules.values()].map((module) => module.rank));
  consumerRank(consumer, rank, (most) => `lora-lego resize ${shellPath(path)} --rank ${most} makes it smaller`);
}

async function writeBeside(
  output: OutputFolder,
  { adapter, folder }: DiskAdapter,
  { config, weightsFile }: Conversion,
  to: string,
): Promise<void> {
  const { files } = await sharedTokenizerFiles(folder === null ? [] : [folderReader(folder)]);
  for (const { name, bytes } of files) output.write(name, bytes);
  if (config !== null) output.write(config.file, configText(config.fields));
  const names = [weightsFile, ...(config === null ? [] : [config.file]), CARD_FILE, ...files.map(({ name }) => name)];
  output.write(CARD_FILE, conversionCard(adapter, to, names, `lora-lego ${VERSION}`));
}

import { statSync } from "node:fs";
import { basename } from "node:path";
import type { AdapterText } from "../adapter/dialect.ts";
import type { Conversion } from "../convert/conversion.ts";
import { writeConversion, writerOf } from "../convert/convert.ts";
import { UsageError } from "../core/errors.ts";
import { VERSION } from "../core/version.ts";
import { CARD_FILE, conversionCard } from "../merge/card.ts";
import { sharedCompanions } from "../merge/companions.ts";
import { type DiskAdapter, inputPaths, openAdapterPath } from "./adapter-path.ts";
import { createFile, openSink } from "./file-sink.ts";
import { folderReader } from "./folder-reader.ts";
import type { OnDownload } from "./hub-cache.ts";
import { OutputFile } from "./output-file.ts";
import { OutputFolder } from "./output-folder.ts";
import { readText } from "./read-text.ts";

/** How to convert. */
export interface ConvertOptions {
  /** The format to write, by its id. */
  readonly to: string;
  /** The folder, or for formats of one file the file, to write. */
  readonly out: string;
  /** Path of the base model's config.json, which GGUF files need for names and rows. */
  readonly baseConfig?: string;
  /** Leave out heads, biases and other tensors beside the factors. Default false. */
  readonly dropExtras?: boolean;
  /** Replace a folder that lora-lego wrote, or a file. Default false. */
  readonly force?: boolean;
  readonly signal?: AbortSignal;
  /** Told of downloads from the Hub. */
  readonly onDownload?: OnDownload;
  /** Told in one sentence what was put right: after a run that was cut off, or in how the adapter is read. */
  readonly onNotice?: (text: string) => void;
}

/** What was written. */
export interface Converted {
  readonly from: string;
  readonly to: string;
  readonly modules: number;
  readonly tensors: number;
  /** Of the weights' file. */
  readonly bytes: number;
}

/**
 * Write the adapter at a path in another format. What is written appears complete or not at all.
 *
 * @throws RefusedError for what the format cannot carry, OutputError when the target cannot be written
 */
export async function convertAdapter(path: string, options: ConvertOptions): Promise<Converted> {
  const writer = writerOf(options.to);
  if (writer.output !== "folder" && !options.out.endsWith(writer.output)) {
    throw new UsageError(
      `${writer.id} adapters are one file; pass --out with a name that ends in ${writer.output}, not ${options.out}.`,
    );
  }
  const baseConfig = options.baseConfig === undefined ? null : readBaseConfig(options.baseConfig);
  const opened = await openAdapterPath(path, {
    baseConfig,
    ...(options.onDownload && { onDownload: options.onDownload }),
  });
  try {
    const { adapter } = opened;
    for (const { text } of adapter.notices) options.onNotice?.(text);
    const conversion = writer.convert(options.dropExtras ? { ...adapter, extras: new Map() } : adapter, baseConfig);
    const inputs = inputPaths([path], [opened]);
    if (options.baseConfig !== undefined) inputs.push(options.baseConfig);
    if (writer.output === "folder") await intoFolder(opened, conversion, inputs, writer.id, options);
    else await intoFile(opened, conversion, inputs, options);
    return {
      from: adapter.format,
      to: writer.id,
      modules: adapter.modules.size,
      tensors: conversion.tensors.length,
      bytes: conversion.layout.size,
    };
  } finally {
    opened.close();
  }
}

function readBaseConfig(path: string): AdapterText {
  if (statSync(path, { throwIfNoEntry: false }) === undefined) {
    throw new UsageError(`There is no file ${path}; pass the base model's config.json as --base-config.`);
  }
  return { text: readText(path), where: basename(path) };
}

async function intoFolder(
  opened: DiskAdapter,
  conversion: Conversion,
  inputs: readonly string[],
  to: string,
  { out, force = false, signal, onNotice = () => {} }: ConvertOptions,
): Promise<void> {
  const output = OutputFolder.create(out, inputs, force, onNotice);
  try {
    output.checkSpace(conversion.layout.size);
    await writeWeights(opened, conversion, output.path(conversion.weightsFile), signal);
    const { config, weightsFile } = conversion;
    const { files } = await sharedCompanions(opened.folder === null ? [] : [folderReader(opened.folder)]);
    for (const { name, bytes } of files) output.write(name, bytes);
    if (config !== null) output.write(config.file, `${JSON.stringify(config.fields, null, 2)}\n`);
    const names = [weightsFile, ...(config === null ? [] : [config.file]), CARD_FILE, ...files.map(({ name }) => name)];
    output.write(CARD_FILE, conversionCard(opened.adapter, to, names, `lora-lego ${VERSION}`));
    output.commit();
  } catch (error) {
    output.discard();
    throw error;
  }
}

async function intoFile(
  opened: DiskAdapter,
  conversion: Conversion,
  inputs: readonly string[],
  { out, force = false, signal, onNotice = () => {} }: ConvertOptions,
): Promise<void> {
  const output = OutputFile.create(out, { inputs, force, tell: onNotice });
  try {
    output.checkSpace(conversion.layout.size);
    await writeWeights(opened, conversion, output.path, signal);
    output.commit();
  } catch (error) {
    output.discard();
    throw error;
  }
}

async function writeWeights(
  { adapter }: DiskAdapter,
  conversion: Conversion,
  path: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  createFile(path, conversion.layout.size);
  const sink = openSink(path);
  try {
    await writeConversion(adapter, conversion, sink, signal);
  } finally {
    sink.close();
  }
}

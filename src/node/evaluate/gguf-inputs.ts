import { closeSync, existsSync, readSync, statSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { UsageError } from "../../core/errors.ts";
import { MAGIC } from "../../formats/gguf/types.ts";
import { isRemotePath } from "../../remote/remote-path.ts";
import { convertAdapter } from "../convert-adapter.ts";
import { openRegular } from "../files/regular-file.ts";
import { OutputFile } from "../output/output-file.ts";
import type { OnDownload } from "../remote/blob.ts";
import { fetchedPath } from "../remote/remote-adapters.ts";
import { configOfGguf, writeBaseGgufFile } from "./base-gguf-file.ts";
import { refuseUnfit } from "./gguf-fit.ts";

/** A base model that llama.cpp can read. */
export interface PreparedBase {
  /** Path of its GGUF file. */
  readonly model: string;
  /** Path of a config.json with the fields that converting adapters needs. */
  readonly config: string;
}

/**
 * Prepare a base model for llama.cpp; a model folder is converted into the scratch folder.
 */
export async function prepareBase(scratch: string, base: string): Promise<PreparedBase> {
  const config = await baseConfigFile(scratch, base);
  if (!statSync(base).isDirectory()) return { model: resolve(base), config };
  const model = join(scratch, "base.gguf");
  await writeBaseGgufFile(base, model);
  return { model, config };
}

/** @throws UsageError for paths where nothing is, before anything long begins; those on servers are looked at later */
export function requirePaths(base: string, adapters: readonly string[]): void {
  requireBase(base);
  const missing = adapters.find((path) => !isRemotePath(path) && !existsSync(path));
  if (missing !== undefined) {
    throw new UsageError(`There is no file or folder ${missing}; pass an adapter's folder or file.`);
  }
}

function requireBase(base: string): void {
  if (existsSync(base)) return;
  throw new UsageError(`There is no ${base}; pass the GGUF file or the folder of the base model as --base.`);
}

/** The path of a base model's config.json; that of a GGUF file is written into the scratch folder. */
export async function baseConfigFile(scratch: string, base: string): Promise<string> {
  requireBase(base);
  if (statSync(base).isDirectory()) return join(base, "config.json");
  const config = join(scratch, "config.json");
  if (!existsSync(config)) OutputFile.write(config, await configOfGguf(base), { inputs: [base] });
  return config;
}

/**
 * Prepare an adapter for llama.cpp; other formats are converted into the scratch folder.
 *
 * @returns its path
 * @throws RefusedError for an adapter that llama.cpp does not load on the base
 */
export async function prepareAdapter(
  scratch: string,
  index: number,
  path: string,
  base: PreparedBase,
  { signal, onDownload }: { readonly signal?: AbortSignal; readonly onDownload?: OnDownload } = {},
): Promise<string> {
  const told = { ...(signal && { signal }), ...(onDownload && { onDownload }) };
  const here = isRemotePath(path) ? await fetchedPath(path, told) : path;
  const own = isGguf(here);
  const file = own ? resolve(here) : join(scratch, `adapter-${index}.gguf`);
  if (!own) {
    await convertAdapter(path, { to: "gguf", out: file, baseConfig: base.config, ...told });
  }
  await refuseUnfit(basename(path), file, base.model);
  return file;
}

function isGguf(path: string): boolean {
  const descriptor = statSync(path, { throwIfNoEntry: false }) === undefined ? null : openRegular(path);
  if (descriptor === null) return false;
  try {
    const magic = Buffer.alloc(MAGIC.length);
    readSync(descriptor, magic, 0, magic.length, 0);
    return magic.toString("latin1") === MAGIC;
  } finally {
    closeSync(descriptor);
  }
}

import { basename, extname, join } from "node:path";
import { consumerById } from "../adapter/consumers.ts";
import { type Loaded, loadingLine } from "../adapter/loading.ts";
import { consumerVerdicts } from "../analysis/audit/consumer-verdicts.ts";
import { maximum } from "../core/maximum.ts";
import { diskAdapter, type OpenOptions } from "./input/adapter-path.ts";

/** A program, and the line that loads an adapter in it. */
export interface LoadingLine {
  readonly title: string;
  readonly line: string;
}

/**
 * How to load an adapter in each program against which nothing is found in its headers and config, as `check` reads them. The base model
 * is not looked at.
 *
 * @param path a folder or file on this machine
 */
export async function loadingLines(path: string, options: OpenOptions): Promise<LoadingLine[]> {
  const { adapter, files, close } = await diskAdapter(path, options);
  close();
  const weights = basename(files[0]?.path ?? path);
  const isFile = basename(path) === weights;
  const loaded: Loaded = {
    path,
    weights: isFile ? path : join(path, weights),
    name: isFile ? basename(path, extname(path)) : basename(path),
    base: adapter.baseModel,
    rank: maximum([...adapter.modules.values()].map(({ rank }) => rank)),
  };
  return consumerVerdicts([adapter])
    .filter(({ problems }) => problems.length === 0)
    .map(({ for: id, title }) => ({ title, line: loadingLine(consumerById(id), loaded) }));
}

import { closeSync, existsSync, fsyncSync, openSync, realpathSync, renameSync, rmSync, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { OutputError } from "../core/errors.ts";
import { makeFolder } from "./make-folder.ts";
import { isWithin, realPath } from "./real-path.ts";

/** A file that appears complete or not at all: written as `<target>.tmp-<pid>` beside the target, flushed, and renamed. */
export class OutputFile {
  /** Where it is written. */
  readonly temporary: string;
  readonly #target: string;

  /**
   * @param inputs folders and files of the inputs: none is written into
   * @param force replace a file that exists
   * @throws OutputError when the target may not be written
   */
  constructor(path: string, inputs: readonly string[], force: boolean) {
    const full = resolve(path);
    this.#target = join(realPath(dirname(full)), basename(full));
    const stat = statSync(this.#target, { throwIfNoEntry: false });
    if (stat !== undefined && !stat.isFile()) {
      throw new OutputError(
        `The output ${path} is ${stat.isDirectory() ? "a folder" : "no plain file"}; choose another --out.`,
      );
    }
    const real = stat === undefined ? this.#target : realpathSync(this.#target);
    const input = inputs.find(
      (candidate) => real === realpathSync(candidate) || isWithin(this.#target, realpathSync(candidate)),
    );
    if (input !== undefined) {
      throw new OutputError(`The output ${path} is or lies in the input ${input}; choose another --out.`);
    }
    if (stat !== undefined && !force) {
      throw new OutputError(`The output ${path} exists; pass --force to replace it, or choose another --out.`);
    }
    if (!existsSync(dirname(this.#target))) makeFolder(dirname(this.#target));
    this.temporary = `${this.#target}.tmp-${process.pid}`;
  }

  commit(): void {
    const descriptor = openSync(this.temporary, "r+");
    try {
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    renameSync(this.temporary, this.#target);
  }

  discard(): void {
    rmSync(this.temporary, { force: true });
  }
}

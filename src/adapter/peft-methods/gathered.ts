import { FormatError } from "../../core/errors.ts";
import type { Parts } from "../lycoris/parts.ts";
import type { TensorRef } from "../read-adapter.ts";
import type { MethodContents } from "./method.ts";

/** What all modules of an adapter share is stored under this name. */
const SHARED = "base_model";

/** The tensors of a method. */
interface Gathered {
  /** Those of each module. */
  readonly modules: readonly Parts[];
  /** Those that all modules share. */
  readonly shared: Parts;
  readonly others: readonly TensorRef[];
}

/**
 * Sort a file's tensors by modules.
 *
 * @param parts what stands behind a module's name, separated by spaces
 */
export function gathered({ name, tensors }: Pick<MethodContents, "name" | "tensors">, parts: string): Gathered {
  const pattern = new RegExp(`^(.+?)\\.(${parts.replaceAll(" ", "|")})(?:\\.weight)?$`);
  const found = new Map<string, Map<string, TensorRef>>();
  const others: TensorRef[] = [];
  for (const tensor of tensors) {
    const [, path, part] = pattern.exec(tensor.name) ?? [];
    if (path === undefined) others.push(tensor);
    else found.set(path, (found.get(path) ?? new Map()).set(part!, tensor));
  }
  const shared = { name, path: SHARED, tensors: found.get(SHARED) ?? new Map() };
  found.delete(SHARED);
  return { modules: Array.from(found, ([path, own]) => ({ name, path, tensors: own })), shared, others };
}

/** One of a module's tensors. @throws FormatError where it is missing */
export function neededPart({ name, path, tensors }: Parts, part: string): TensorRef {
  const tensor = tensors.get(part);
  if (tensor !== undefined) return tensor;
  throw new FormatError(`${name}: ${path} has no ${part}; the file is incomplete, save or copy it again.`);
}

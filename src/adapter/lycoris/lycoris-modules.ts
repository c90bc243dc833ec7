import { FormatError } from "../../core/errors.ts";
import type { TensorRef } from "../read-adapter.ts";
import type { ComputedModule } from "./computed.ts";
import { LOHA_PARTS, moduleOfLoha } from "./loha.ts";
import { LOKR_PARTS, moduleOfLokr } from "./lokr.ts";
import type { Parts } from "./parts.ts";

/** The parametrisations that become factors. */
const KINDS: readonly { readonly parts: readonly string[]; readonly read: (parts: Parts) => ComputedModule }[] = [
  { parts: LOKR_PARTS, read: moduleOfLokr },
  { parts: LOHA_PARTS, read: moduleOfLoha },
];
const PART = new RegExp(`^(.+)\\.(${KINDS.flatMap(({ parts }) => parts).join("|")})$`);

/** Whether a key is of a module's LoKr or LoHa. */
export function isLycorisKey(key: string): boolean {
  return PART.test(key);
}

/**
 * The modules that LyCORIS adapts by LoKr or LoHa, in the order of the file, and the tensors that are not theirs.
 *
 * @param name of the adapter
 * @throws FormatError for tensors that are missing, or do not fit each other
 */
export function lycorisModules(
  name: string,
  tensors: Iterable<TensorRef>,
): { readonly modules: readonly ComputedModule[]; readonly others: readonly TensorRef[] } {
  const found = new Map<string, Map<string, TensorRef>>();
  const others: TensorRef[] = [];
  for (const tensor of tensors) {
    const [, path, part] = PART.exec(tensor.name) ?? [];
    if (path === undefined) others.push(tensor);
    else found.set(path, (found.get(path) ?? new Map()).set(part!, tensor));
  }
  const modules = Array.from(found, ([path, own]) => {
    const [kind, twin] = KINDS.filter(({ parts }) => [...own.keys()].some((part) => parts.includes(part)));
    if (twin !== undefined) {
      throw new FormatError(
        `${name}: ${path} has tensors of a LoKr and of a LoHa (${[...own.keys()].join(", ")}); remove those that do not belong to the adapter.`,
      );
    }
    return kind!.read({ name, path, tensors: own });
  });
  return { modules, others };
}

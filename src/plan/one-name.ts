import type { Adapter } from "../adapter/adapter.ts";
import { underOneKernel } from "../adapter/lycoris/kernels.ts";
import { newestName, releaseOf, spellings } from "../adapter/names/renamed.ts";
import { underOneFamily } from "../adapter/weights/under-one-family.ts";
import { underOneStack } from "../adapter/weights/under-one-stack.ts";
import { RefusedError } from "../core/errors.ts";
import { renamedKey, withoutPeftPrefix } from "../formats/peft-folder/keys.ts";
import type { Warning } from "./warning.ts";

/**
 * Give each weight one name in all adapters: by the family of an image model (`underOneFamily`), or by the newest release of transformers;
 * convolutions that are stored flat the kernel that others have (`underOneKernel`); and gate and up of experts one weight where others have
 * it whole (`underOneStack`).
 *
 * @param counts whether each adapter's names count; the others are renamed to match. Default: all count
 * @throws RefusedError if one adapter that counts has two names for one module
 */
export function underOneName(
  given: readonly Adapter[],
  counts: readonly boolean[] = given.map(() => true),
): { adapters: readonly Adapter[]; warnings: Warning[] } {
  return underOneRelease(underOneStack(underOneKernel(underOneFamily(given, counts), counts), counts), counts);
}

/**
 * Rename modules that different releases of transformers name differently, to the names of the newest release among the adapters, so
 * that no result has two names for one module. The names alone show which release is newest, so the order of adapters does not
 * matter. Adapters that agree are returned unchanged.
 */
function underOneRelease(
  adapters: readonly Adapter[],
  counts: readonly boolean[],
): { adapters: readonly Adapter[]; warnings: Warning[] } {
  const names = adapters.map((adapter, t) => (counts[t] ? namesOf(adapter) : []));
  const known = new Map<string, { readonly name: string; readonly owner: string }>();
  let differing: string | null = null;
  for (const [t, { name: owner }] of adapters.entries()) {
    refuseTwice(owner, names[t]!);
    for (const name of names[t]!) {
      const first = known.get(newestName(name)) ?? { name, owner };
      known.set(newestName(name), first);
      if (first.name !== name)
        differing ??= `${first.owner} names a module ${first.name} and ${owner} names it ${name}`;
    }
  }
  if (differing === null && !counts.includes(false)) return { adapters, warnings: [] };
  const release = Math.min(...names.map(releaseOf));
  const text = `${differing}, because transformers renamed modules in 4.52; they are merged as one, under the newest names among the inputs.`;
  return {
    adapters: adapters.map((adapter, t) => (differing === null && counts[t] ? adapter : renamed(adapter, release))),
    warnings: differing === null ? [] : [{ id: "renamed-modules", text }],
  };
}

/** Names of modules and other tensors that some release changed. */
function namesOf({ modules, extras, tokenRows }: Adapter): string[] {
  const beside = Array.from(extras.keys(), withoutPeftPrefix);
  const rows = [...tokenRows.keys()].filter((name) => !modules.has(name));
  return [...modules.keys(), ...beside, ...rows].filter((name) => spellings(name) !== null);
}

function refuseTwice(owner: string, names: readonly string[]): void {
  const own = new Map<string, string>();
  for (const name of names) {
    const twin = own.get(newestName(name));
    if (twin !== undefined) {
      throw new RefusedError(
        `${owner} holds ${twin} and ${name}, which are two names for one module (before and since transformers 4.52); remove the one that does not belong to the adapter.`,
      );
    }
    own.set(newestName(name), name);
  }
}

function renamed(adapter: Adapter, release: number): Adapter {
  const rename = (name: string): string => spellings(name)?.[release] ?? name;
  return {
    ...adapter,
    modules: new Map(
      Array.from(adapter.modules.values(), (module) => {
        const name = rename(module.name);
        return [name, { ...module, name }];
      }),
    ),
    extras: new Map(Array.from(adapter.extras, ([key, tensor]) => [renamedKey(key, rename), tensor])),
    tokenRows: new Map(Array.from(adapter.tokenRows, ([name, rows]) => [rename(name), rows])),
    targetModules: adapter.targetModules?.map(rename) ?? null,
    targetParameters: adapter.targetParameters.map(rename),
    modulesToSave: adapter.modulesToSave.map(rename),
  };
}

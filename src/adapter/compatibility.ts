import { RefusedError } from "../core/errors.ts";
import { plural } from "../core/plural.ts";
import { shellPath } from "../core/shell-word.ts";
import { familyById } from "../families/families.ts";
import type { Adapter, AdapterModule } from "./adapter.ts";
import { swappedSizes } from "./experts.ts";
import { isGgufName } from "./names/gguf.ts";
import { lastLayers } from "./names/last-layers.ts";
import { clashOf } from "./names/spelling.ts";
import { oneModel, otherStacks } from "./one-model.ts";

/**
 * Refuse adapters that cannot belong to one base model. Every two must share a module, agree in kind and shape on all modules
 * that they share, and end at the same layer, unless one of them says that it leaves layers out.
 * A base whose weights changed but whose shapes did not cannot be detected here.
 *
 * @param allowPartial refuse only different models, mismatched shapes and two names for one weight
 * @param mayAllow whether users of the caller can ask for that
 */
export function refuseMisfits(adapters: readonly Adapter[], allowPartial: boolean, mayAllow = true): void {
  const pairs = adapters.flatMap((one, i) => adapters.slice(i + 1).map((other) => [one, other] as const));
  for (const [one, other] of pairs) refuseModels(one, other);
  refuseSpellings(adapters);
  for (const [one, other] of pairs) {
    refuseShapes(one, other);
    if (!allowPartial) refusePartial(one, other, mayAllow);
    else if (mayAllow) refuseArchitectures(one, other);
  }
}

function refuseShapes(one: Adapter, other: Adapter): void {
  for (const module of one.modules.values()) {
    const twin = other.modules.get(module.name);
    if (twin === undefined || (twin.kind === module.kind && sameShape(module, twin))) continue;
    if (module.in === twin.out && module.out === twin.in) {
      refuseSwapped(one, other.name);
      refuseSwapped(other, one.name);
    }
    throw new RefusedError(
      `${one.name} and ${other.name} adapt different bases: ${module.name} is ${describe(module)} in the first and ${describe(twin)} in the second; merge adapters of one base model.`,
    );
  }
}

/** Refuse parameters of experts that only one of two adapters has the other way round. */
function refuseSwapped({ name, modules }: Adapter, other: string): void {
  const swapped = swappedSizes(modules.values());
  if (swapped === null) return;
  throw new RefusedError(
    `${name}: ${swapped}, so it does not merge with ${other}; fuse each into its base model instead.`,
  );
}

/** Refuse two adapters of known, different models, even where their modules have the same names and shapes. */
function refuseModels(one: Adapter, other: Adapter): void {
  const [first, second] = [one, other].map(({ families }) => families) as [readonly string[], readonly string[]];
  if (first.length === 0 || second.length === 0 || first.some((id) => second.includes(id))) return;
  throw new RefusedError(
    `${one.name} is for ${familyById(first[0]!).title} and ${other.name} for ${familyById(second[0]!).title}, which are different models; merge adapters of one base model.`,
  );
}

/** Refuse one weight under two names: no program would apply both. */
function refuseSpellings(adapters: readonly Adapter[]): void {
  const clash = clashOf(adapters.map(({ modules }) => [...modules.keys()]));
  if (clash === null) return;
  const holders = clash.adapters.map((index) => adapters[index]!);
  const [one, other] = holders.map(({ name }) => name);
  const [first, second] = clash.modules;
  if (clash.adapters[0] === clash.adapters[1]) {
    throw new RefusedError(
      `${one} names its model's modules in two ways (such as ${first} and ${second}), so one weight may be in it twice; use a file that one trainer wrote, not a mixture of two.`,
    );
  }
  throw new RefusedError(
    `${one} and ${other} name their model's modules in different ways (such as ${first} and ${second}), which lora-lego cannot match: they are for different models, or it does not know how this family's names correspond; pass adapters of one base model, from one trainer.`,
  );
}

function refusePartial(one: Adapter, other: Adapter, mayAllow: boolean): void {
  const model = oneModel(one, other);
  const merge = "merge adapters of one base model";
  if (![...one.modules.keys()].some((name) => other.modules.has(name))) {
    refuseOnlyGguf(one, other, mayAllow);
    const [a, b] = [first(one.modules.keys()), first(other.modules.keys())];
    throw new RefusedError(
      `${one.name} (${plural(one.modules.size, "module")}, such as ${a}) and ${other.name} (${plural(other.modules.size, "module")}, such as ${b}) share no module${
        {
          named: mayAllow
            ? `, but both name the base model ${one.baseModel}: to put both into one adapter side by side, pass --allow-partial.`
            : `; ${merge}.`,
          different: ` and are for different base models${basesOf(one, other)}; ${merge}.`,
          unknown: `; ${merge}${mayAllow ? ", or pass --allow-partial if these are, and change different modules of it" : ""}.`,
        }[model]
      }`,
    );
  }
  if (one.someLayers || other.someLayers) return;
  const ends = lastLayers(other.modules.keys());
  for (const [prefix, layer] of lastLayers(one.modules.keys())) {
    const otherLayer = ends.get(prefix);
    if (otherLayer === undefined || otherLayer === layer) continue;
    throw new RefusedError(
      `${one.name} ends at layer ${prefix}.${layer} (${plural(one.modules.size, "module")}) and ${other.name} at ${prefix}.${otherLayer} (${plural(other.modules.size, "module")}), so their bases differ in depth${model === "different" ? basesOf(one, other) : ""}; ${merge}${
        mayAllow && model !== "different" ? ", or pass --allow-partial if they only leave layers out" : ""
      }.`,
    );
  }
}

/**
 * Refuse adapters of which some have llama.cpp's names of modules and others have not, even where other adapters share modules with each.
 */
export function refuseMixedNames(adapters: readonly Adapter[]): void {
  const [one] = adapters;
  for (const other of adapters.slice(1)) refuseOnlyGguf(one!, other, false);
}

/** Refuse two adapters of which only one has llama.cpp's names of modules. @param merging whether the caller takes --base-config */
function refuseOnlyGguf(one: Adapter, other: Adapter, merging: boolean): void {
  const [a, b] = [first(one.modules.keys()), first(other.modules.keys())];
  if (isGgufName(a) === isGgufName(b)) return;
  const [gguf, plain] = isGgufName(a) ? [one, other] : [other, one];
  const merge = merging ? "pass that to the merge as --base-config BASE/config.json, or " : "";
  throw new RefusedError(
    `${gguf.name} has llama.cpp's names of modules (such as ${isGgufName(a) ? a : b}) and ${plain.name} has not, and only the base model's config.json says which correspond; ${merge}convert ${gguf.name} first: ${toPeft(gguf)} (BASE is the base model's folder).`,
  );
}

/**
 * Refuse to put two adapters side by side that no model has both parts of: they share no module and stack their layers under different paths.
 * Those that name one base model may be parts of it, such as its vision tower and its language model.
 */
function refuseArchitectures(one: Adapter, other: Adapter): void {
  if ([...one.modules.keys()].some((name) => other.modules.has(name))) return;
  if (oneModel(one, other) === "named" || !otherStacks(one, other)) return;
  const [a, b] = [first(one.modules.keys()), first(other.modules.keys())];
  throw new RefusedError(
    `${one.name} (such as ${a}) and ${other.name} (such as ${b}) share no module and are for different base models${basesOf(one, other)}, so no model could load both, --allow-partial or not; load each with its own base, or name the same base_model_name_or_path in both if they are parts of one.`,
  );
}

/** The command that gives an adapter in llama.cpp's names PEFT's. */
function toPeft({ files, fileNames }: Adapter): string {
  const [file] = files;
  const path = file !== undefined && "shown" in file ? String(file.shown) : fileNames.weights;
  const folder = `${fileNames.weights.replace(/\.\w+$/, "")}-peft`;
  return `lora-lego convert ${shellPath(path)} --to peft --base-config BASE/config.json --out ${shellPath(folder)}`;
}

function sameShape(one: AdapterModule, other: AdapterModule): boolean {
  return one.out === other.out && one.inputShape.join() === other.inputShape.join();
}

function describe({ kind, inputShape, out }: AdapterModule): string {
  return `${kind} ${inputShape.join("x")} -> ${out}`;
}

/** The bases that two adapters name; nothing if one names none. */
function basesOf({ baseModel: one }: Adapter, { baseModel: other }: Adapter): string {
  return one === null || other === null ? "" : ` (${one} and ${other})`;
}

function first(names: Iterable<string>): string {
  for (const name of names) return name;
  return "";
}

import { type BlockNotes, plainNotes } from "./blocks.ts";
import { expanded, expandedTogether, type Found, filledIn, nameTable } from "./name-table.ts";

/** A part of a weight that some programs split, by rows. */
export interface WeightPart {
  /** Its name here, after the weight's: q, k, v or mlp. */
  readonly name: string;
  /** Its path in diffusers. */
  readonly diffusers: string;
}

/** A weight of a model. In paths, # stands for a number. */
export interface Weight {
  /** Its path in the model's own code, which is its name here. */
  readonly path: string;
  /** Other spellings, such as those of another program's copy of that code. */
  readonly also: readonly string[];
  /** Its names in files of attention processors, such as XLabs' for Flux.1. */
  readonly processors: readonly string[];
  /** Its path in diffusers; null where that has none, or splits it. */
  readonly diffusers: string | null;
  /** Whether diffusers has its halves the other way round: always, or in the short form of two rows for each column. */
  readonly swapped: "always" | "short" | null;
  /** In the order of rows; none where no program splits it. */
  readonly parts: readonly WeightPart[];
}

/** What a path means: a weight, or one of its parts. */
export interface Place {
  readonly weight: Weight;
  readonly part: WeightPart | null;
  /** Whether the path is diffusers' alone, so that halves may be swapped. */
  readonly inDiffusers: boolean;
}

/** How many rows one part has where another has one: queries, keys and values as many, the rest of a single block's first layer more. */
export type PartRows = Readonly<Record<string, number>>;

/** A model, or a part of one, whose weights are known. */
export interface Family {
  readonly id: string;
  readonly title: string;
  /** What its modules' names begin with here. */
  readonly components: readonly string[];
  readonly weights: readonly Weight[];
  readonly rows: PartRows;
  readonly traits: Traits;
  readonly blocks: BlockNotes;
  /** The module of sd-scripts or musubi-tuner that trains LoRAs of it (ss_network_module); null where there is none. */
  readonly networkModule: string | null;
  /** What a path means, in any spelling. @param underscored whether dots are written as underscores */
  find(path: string, underscored: boolean): Found<Place> | null;
  /** The paths of a weight, or of one of its parts, in all spellings; the one here comes first. */
  pathsOf(found: FoundWeight): readonly string[];
}

/** A weight of a model, or one of its parts, with the numbers in its path. */
export interface FoundWeight {
  readonly weight: Weight;
  readonly part: WeightPart | null;
  readonly numbers: readonly string[];
}

/** The size of a published model. */
export interface ModelSize {
  /** Width of its hidden states. */
  readonly width: number;
  /** Numbers of blocks, by the path before the number. */
  readonly blocks: Readonly<Record<string, number>>;
}

/** What tells a family from others with the same names. */
export interface Traits {
  /** Those of its published models. */
  readonly sizes?: readonly ModelSize[];
  /** Paths of weights that models of other families have too, at the same size: these alone decide nothing. */
  readonly common?: RegExp;
  /** Rows of B for each column of A, by weight. */
  readonly ratios?: Readonly<Record<string, number>>;
  /** What training metadata call it (ss_base_model_version, modelspec.architecture). */
  readonly said?: RegExp;
}

/** Parts that diffusers has in place of a weight, by name, in the order of rows. */
interface Split {
  readonly kind: "split";
  readonly parts: Readonly<Record<string, string>>;
}

/** A weight that diffusers has with its halves swapped. */
interface Swapped {
  readonly kind: "swapped";
  readonly path: string;
  readonly when: "always" | "short";
}

/** A weight that diffusers splits by rows. @param parts paths by name */
export function split(parts: Readonly<Record<string, string>>): Split {
  return { kind: "split", parts };
}

/** A weight whose halves diffusers swaps: scale before shift. @param when short: only where it has two rows for each column */
export function swapped(path: string, when: "always" | "short" = "always"): Swapped {
  return { kind: "swapped", path, when };
}

/** A weight's path in diffusers; null where diffusers has none. */
type InDiffusers = string | null | Split | Swapped;

/** Paths in the model's own code, with those in diffusers; braces on both sides are expanded together. */
export type WeightTable = Readonly<Record<string, InDiffusers>>;

/** What a family's file says. */
interface FamilyFacts extends Traits {
  readonly id: string;
  readonly title: string;
  /** Default: diffusion_model. */
  readonly components?: readonly string[];
  readonly weights: WeightTable;
  /** Other spellings, by path in the model's own code. */
  readonly also?: Readonly<Record<string, string>>;
  readonly processors?: Readonly<Record<string, string>>;
  readonly rows?: PartRows;
  /** Default: a number for each block of a published model, without short names. */
  readonly blocks?: BlockNotes;
  readonly networkModule?: string;
}

/** Queries, keys and values are as wide as the model, and the MLP of a single block four times as wide. */
const ROWS: PartRows = { q: 1, k: 1, v: 1, mlp: 4 };

/** A family from the facts of its file. */
export function defineFamily({
  id,
  title,
  components = ["diffusion_model"],
  weights: named,
  also = {},
  processors = {},
  rows,
  blocks,
  networkModule,
  ...traits
}: FamilyFacts): Family {
  const others = [also, processors].map((spellings) =>
    Object.entries(spellings).flatMap(([own, other]) => expandedTogether(own, other)),
  );
  const weights = Object.entries(named)
    .flatMap(([path, other]) => weightsOf(path, other))
    .map((weight) => {
      const [copies, ofProcessors] = others.map((all) =>
        all.flatMap(([own, other]) => (own === weight.path ? other : [])),
      );
      return { ...weight, also: copies!, processors: ofProcessors! };
    });
  const table = nameTable<Place>([...weights.flatMap(ownSpellings), ...weights.flatMap(diffusersSpellings)]);
  return {
    id,
    title,
    components,
    weights,
    rows: rows ?? ROWS,
    traits,
    blocks: blocks ?? plainNotes(traits.sizes ?? []),
    networkModule: networkModule ?? null,
    find: (path, underscored) => (underscored ? table.findUnderscored(path) : table.find(path)),
    pathsOf({ weight, part, numbers }) {
      const all = [...ownSpellings(weight), ...diffusersSpellings(weight)];
      const own = all.filter(([, place]) => place.part === part).map(([path]) => filledIn(path, numbers));
      return [...new Set(own)];
    },
  };
}

function weightsOf(path: string, other: InDiffusers): Weight[] {
  const plain = { also: [], processors: [], diffusers: null, swapped: null, parts: [] };
  if (other === null) return expanded(path).map((own) => ({ ...plain, path: own }));
  if (typeof other === "string" || other.kind === "swapped") {
    const [there, when] = typeof other === "string" ? [other, null] : [other.path, other.when];
    return expandedTogether(path, there).map(([own, diffusers]) => ({ ...plain, path: own, diffusers, swapped: when }));
  }
  const parts = Object.entries(other.parts).map(([name, there]) => ({ name, pairs: expandedTogether(path, there) }));
  return expanded(path).map((own, i) => ({
    ...plain,
    path: own,
    parts: parts.map(({ name, pairs }) => ({ name, diffusers: pairs[i]![1] })),
  }));
}

/** A weight's name, and those of its parts: by name as here, and by number as in OMI's files. */
function ownSpellings(weight: Weight): [string, Place][] {
  const whole = [weight.path, ...weight.also, ...weight.processors].map((path): [string, Place] => [
    path,
    { weight, part: null, inDiffusers: false },
  ]);
  const parts = weight.parts.flatMap((part, i): [string, Place][] => [
    [`${weight.path}.${part.name}`, { weight, part, inDiffusers: false }],
    [`${weight.path}.${i}`, { weight, part, inDiffusers: false }],
  ]);
  return [...whole, ...parts];
}

function diffusersSpellings(weight: Weight): [string, Place][] {
  const parts = weight.parts.map((part): [string, Place] => [part.diffusers, { weight, part, inDiffusers: true }]);
  return weight.diffusers === null ? parts : [[weight.diffusers, { weight, part: null, inDiffusers: true }], ...parts];
}

/** The name of a place's module here, without its component. */
export function nameOf({ value: { weight, part }, numbers }: Found<Place>): string {
  return filledIn(part === null ? weight.path : `${weight.path}.${part.name}`, numbers);
}

import type { Notice } from "../adapter/adapter.ts";

/** Something that a merge did as asked but that the user should know. Ids are stable; tests assert on them. */
export interface Warning {
  readonly id:
    | "different-base"
    | "different-task"
    | "different-fan"
    | "different-tying"
    | "renamed-modules"
    | Notice["id"]
    | "left-out"
    | "zero-factors"
    | "server-limit"
    | "rank-reduced"
    | "rank-limited"
    | "experts-incomplete"
    | "numbers-kept"
    | "scale-uncertain"
    | "scale-unknown"
    | "zero-result"
    | "weights-idle"
    | "same-adapter"
    | "counts-twice"
    | "zero-adapter"
    | "lost-adapter"
    | "rank-too-low"
    | "badly-kept"
    | "mixed-clusters"
    | "zero-modules"
    | "cancelled-cluster"
    | "b-ignored"
    | "selection-not-merge"
    | "began-alike"
    | "extras-dropped"
    | "extras-first"
    | "base-copies-dropped"
    | "underflow"
    | "tokenizer-differs";
  readonly text: string;
  /** The module it is about, if any. */
  readonly module?: string;
  /** The adapter it is about, if it is one. */
  readonly adapter?: string;
  /** What to merge again with, if that mends it. */
  readonly fix?: Fix;
  /** Another way to mend it, which keeps the method. */
  readonly instead?: Fix;
  /** The merge without the adapters that it is about, where they may not be worth mending. */
  readonly without?: Fix;
}

/** Changes of a recipe: fields as files and flags write them, and options of the method. */
export interface Fix {
  /** What it does, in one short sentence. */
  readonly why: string;
  readonly method?: string;
  readonly weights?: readonly number[];
  /** Factors that adapters are multiplied by before they are merged, one each; 1 for those that stay as they are. */
  readonly sizes?: readonly number[];
  /** Adapters that are left out, by position. */
  readonly leaves?: readonly number[];
  readonly rank?: number;
  readonly scale?: number | "auto";
  readonly dtype?: "f32";
  readonly options?: Readonly<Record<string, string>>;
}

import type { AUTO } from "./auto.ts";
import type { BuiltInOptions } from "./built-in.ts";

/** The options of each method, by its id. Methods from outside add theirs by declaration merging. */
export interface MethodOptions extends BuiltInOptions {}

/** The ids that types know. */
export type MethodId = keyof MethodOptions;

/** A method and its options; absent options have the method's defaults. The default method is `DEFAULT_METHOD`. */
export type MethodChoice =
  | {
      readonly [Id in keyof MethodOptions]: { readonly method: Id; readonly options?: Partial<MethodOptions[Id]> };
    }[keyof MethodOptions]
  | { readonly method?: typeof AUTO; readonly options?: never };

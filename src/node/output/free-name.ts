import { freeNamesFrom } from "../../core/free-names.ts";
import { isThere } from "../files/is-there.ts";

/** Gives names beside things that exist: a path's with the first number that is free, from 2, and never the same twice. */
export function freeNames(): (path: string) => string {
  return freeNamesFrom(2, isThere);
}

/** Gives names where nothing has to be yet: the path itself if it is free, and never the same twice. */
export function unusedNames(): (path: string) => string {
  return freeNamesFrom(1, isThere);
}

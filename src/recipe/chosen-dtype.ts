import { commonDtype, type Dtype, type OutputDtype } from "../core/dtype.ts";
import type { DtypeChoice } from "./recipe.ts";

/** The element type to write, by its safetensors name. @param stored the types of what it is made from, which decide for auto */
export function chosenDtype(choice: DtypeChoice | undefined, stored: Iterable<Dtype>): OutputDtype {
  return choice === undefined || choice === "auto" ? commonDtype(stored) : (choice.toUpperCase() as OutputDtype);
}

import { DRAWS, type Draws, type Mask } from "../../src/methods/elementwise/draws.ts";

/** Draws that keep the entries of a mask, and no others, at any density. */
export function maskedDraws(mask: Mask): Draws {
  return {
    fill(_, task, from, step, into) {
      for (let i = 0; i < into.length; i++) into[i] = mask(task, from + i * step) ? 0 : DRAWS;
    },
  };
}

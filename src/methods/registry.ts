import { UsageError } from "../core/errors.ts";
import { average } from "./average.ts";
import { cat } from "./cat.ts";
import { lego } from "./lego/lego.ts";
import type { Method } from "./method.ts";
import { svd } from "./svd.ts";
import { taskArithmetic } from "./task-arithmetic.ts";

/** All merge methods, LEGO first. */
export const METHODS: readonly Method[] = [lego, cat, average, svd, taskArithmetic] as readonly Method[];

/** The method of this id. @throws UsageError naming the ids there are. */
export function methodById(id: string): Method {
  const method = METHODS.find((candidate) => candidate.id === id);
  if (method === undefined) {
    throw new UsageError(`There is no method "${id}"; choose one of ${METHODS.map((known) => known.id).join(", ")}.`);
  }
  return method;
}

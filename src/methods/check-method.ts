import { UsageError } from "../core/errors.ts";
import type { Method } from "./method.ts";
import { mistakeIn, type Parameter } from "./parameters.ts";

const ID = /^[a-z][a-z0-9]*(_[a-z0-9]+)*$/;
const OPTION = /^[a-z][A-Za-z0-9]*$/;

/** Allowed words of the fields that take one of several words. */
const CHOICES = {
  dependsOn: ["delta", "factors"],
  single: ["exact", "exact at density 1", "changes"],
  weights: ["relative", "linear"],
  yields: ["combinations", "rows"],
  cut: ["clusters", "svd"],
} as const satisfies { readonly [Field in keyof Method]?: readonly Method[Field][] };

const FUNCTIONS = ["precise", "defaultTarget", "fullRank", "merge"] as const;
const OPTIONAL_FUNCTIONS = ["scratchBytes", "plannedRank"] as const;
const TYPES: readonly Parameter["type"][] = ["choice", "boolean", "integer", "number"];

/** Refuse a method that its types would refuse, or whose parameters contradict themselves. @throws UsageError naming the field */
export function checkMethod(method: Method): void {
  const { id, parameters } = method;
  if (typeof id !== "string" || !ID.test(id)) {
    throw new UsageError(
      `The id of a method is ${JSON.stringify(id)}, but must be lowercase letters, digits and single _, such as my_method.`,
    );
  }
  for (const field of ["title", "reference"] as const) {
    if (typeof method[field] === "string" && method[field] !== "") continue;
    throw new UsageError(`The method ${id} has no ${field}; give one in a few words, for lists of methods.`);
  }
  for (const [field, choices] of Object.entries(CHOICES)) {
    const value = method[field as keyof typeof CHOICES];
    if ((choices as readonly string[]).includes(value)) continue;
    throw new UsageError(
      `The method ${id} has ${JSON.stringify(value)} as ${field}, but it must be one of ${choices.join(", ")}.`,
    );
  }
  for (const field of FUNCTIONS) {
    if (typeof method[field] === "function") continue;
    throw new UsageError(`The method ${id} has no function ${field}; create the method with defineMethod.`);
  }
  for (const field of OPTIONAL_FUNCTIONS) {
    if (method[field] === undefined || typeof method[field] === "function") continue;
    throw new UsageError(
      `The method ${id} has ${JSON.stringify(method[field])} as ${field}, but it must be a function.`,
    );
  }
  for (const field of ["needs", "parameters", "presets"] as const) {
    const value: unknown = method[field];
    if ((field === "presets" && value === undefined) || (typeof value === "object" && value !== null)) continue;
    throw new UsageError(`The method ${id} has ${JSON.stringify(value)} as ${field}, but it must be an object.`);
  }
  if (method.resizes !== undefined && typeof method.resizes !== "string") {
    throw new UsageError(
      `The method ${id} has ${JSON.stringify(method.resizes)} as resizes, but it must say in a few words how it resizes.`,
    );
  }
  for (const [name, parameter] of Object.entries(parameters)) checkParameter(id, name, parameter);
  for (const [name, options] of Object.entries(method.presets ?? {})) {
    for (const [option, value] of Object.entries(options as Readonly<Record<string, unknown>>)) {
      const parameter = parameters[option];
      const why = parameter === undefined ? "is not a parameter" : mistakeIn(parameter, value);
      if (why === null) continue;
      throw new UsageError(
        `The preset ${name} of the method ${id} has ${JSON.stringify(value)} as ${option}, which ${why}; correct it.`,
      );
    }
  }
}

function checkParameter(id: string, name: string, parameter: Parameter): void {
  const refuse = (why: string): never => {
    throw new UsageError(`The parameter ${name} of the method ${id} ${why}.`);
  };
  if (!OPTION.test(name)) refuse("must be named in camelCase, such as keepLargest");
  if (!TYPES.includes(parameter.type)) {
    refuse(`has type ${JSON.stringify(parameter.type)}, but its type must be one of ${TYPES.join(", ")}`);
  }
  if (parameter.type === "choice" && !(parameter.choices?.length > 0)) refuse("has no choices; list them");
  if (!parameter.description) refuse("has no description; say in a few words what it does");
  const mistake = mistakeIn(parameter, parameter.default);
  if (mistake !== null) refuse(`has the default ${JSON.stringify(parameter.default)}, but it ${mistake}`);
}

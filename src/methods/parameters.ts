import type { Method, Zod } from "./method.ts";

/** One option of a method, as its schema describes it. */
export interface Parameter {
  readonly name: string;
  readonly type: "choice" | "boolean" | "integer" | "number" | "string";
  /** What a choice is between; null for other types. */
  readonly choices: readonly string[] | null;
  readonly default: unknown;
  readonly description: string;
}

/** What of a JSON Schema property a parameter is made of. */
interface Property {
  readonly type?: string;
  readonly enum?: readonly string[];
  readonly default?: unknown;
  readonly description?: string;
}

/** The options of a method in its schema's order: what flags, forms and lists are made of. */
export function parametersOf(method: Method, z: Zod): Parameter[] {
  const { properties } = z.toJSONSchema(method.schema(z)) as { properties?: Record<string, Property> };
  return Object.entries(properties ?? {}).map(([name, property]) => ({
    name,
    type: property.enum === undefined ? (property.type as Parameter["type"]) : "choice",
    choices: property.enum ?? null,
    default: property.default,
    description: property.description ?? "",
  }));
}

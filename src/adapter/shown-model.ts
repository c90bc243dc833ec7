import { familyById } from "../families/families.ts";
import { ofImageModel } from "./names/components.ts";
import type { ReadAdapter } from "./read-adapter.ts";

/** The image or video model that adapters are for, as far as their modules tell: its family, or that it is one; null for other models. */
export function shownModel(adapters: readonly Pick<ReadAdapter, "families" | "modules">[]): string | null {
  const [first, ...others] = adapters.map(({ families }) => families);
  const shared = (first ?? []).find((id) => others.every((own) => own.includes(id)));
  if (shared !== undefined) return familyById(shared).title;
  return adapters.some(({ modules }) => ofImageModel(modules.keys())) ? "an image or video model" : null;
}

import { MERGE } from "./explorer-merge.ts";
import { OPENING } from "./explorer-opening.ts";
import { REST } from "./explorer-rest.ts";
import { VIEWS } from "./explorer-views.ts";
import type { PromisingText } from "./promises.ts";

export const EXPLORER: PromisingText = {
  document: "docs/explorer.md",
  heading: null,
  sentences: [...OPENING, ...VIEWS, ...MERGE, ...REST],
};

import { addExample, addServed, opening } from "./adapters.ts";
import { intro } from "./intro.ts";
import { keepResults } from "./kept.ts";
import { moduleName, wantedK } from "./module.ts";
import { restoreLink } from "./page-state.ts";
import { showTab } from "./tabs.ts";

/** A module of the example set whose clusters are easy to see. */
const SHOWN = "model.layers.3.mlp.up_proj";

/** What the page opens with: what `lora-lego ui` was given, what its link says, earlier results, or else the example set, drawn. */
export async function begin(): Promise<void> {
  const given = document.querySelector<HTMLMetaElement>('meta[name="lora-lego-adapters"]')?.content;
  const { hash } = location;
  intro.value = given === undefined && hash.length < 2;
  if (given !== undefined) opening(() => addServed(given));
  if (hash.length > 1) restoreLink(hash);
  globalThis.addEventListener("hashchange", () => restoreLink(location.hash));
  const kept = await keepResults();
  if (!intro.value) return;
  if (!kept) return opening(showExample);
  intro.value = false;
  showTab("merge");
}

async function showExample(): Promise<void> {
  await addExample();
  if (intro.value) moduleName.value = SHOWN;
}

/** From the first view to all that the page says of the example set. */
export function exploreExample(): void {
  wantedK.value = null;
  intro.value = false;
  showTab("module");
}

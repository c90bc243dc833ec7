import { addExample, addServed, opening } from "./adapters.ts";
import { intro } from "./intro.ts";
import { moduleName, wantedK } from "./module.ts";
import { showTab } from "./tabs.ts";

/** A module of the example set whose clusters are easy to see. */
const SHOWN = "model.layers.3.mlp.up_proj";

/** What the page opens with: what `lora-lego ui` was given, or else the example set, drawn. */
export function begin(): void {
  const given = document.querySelector<HTMLMetaElement>('meta[name="lora-lego-adapters"]')?.content;
  if (given !== undefined) opening(() => addServed(given));
  else opening(showExample);
}

async function showExample(): Promise<void> {
  intro.value = true;
  await addExample();
  if (intro.value) moduleName.value = SHOWN;
}

/** From the first view to all that the page says of the example set. */
export function exploreExample(): void {
  wantedK.value = null;
  intro.value = false;
  showTab("module");
}

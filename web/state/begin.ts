import { adapters, addServed, drawExample, openExample } from "./adapters.ts";
import { intro } from "./intro.ts";
import { keepOverReloads } from "./kept.ts";
import { moduleName } from "./module.ts";
import { opening } from "./opening.ts";
import { restoreLink } from "./page-state.ts";
import { leadTo, rememberTabs, showTab } from "./tabs.ts";

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
  const kept = await keepOverReloads();
  if (intro.value && !kept) opening(showExample);
  else if (intro.value) {
    intro.value = false;
    showTab("merge");
  }
  rememberTabs();
  addEventListener("beforeunload", (event) => {
    if (wouldBeLost()) event.preventDefault();
  });
}

/** Whether adapters are open that neither the page nor its address brings back. */
function wouldBeLost(): boolean {
  return adapters
    .peek()
    .some(
      ({ source }) =>
        source.from === "files" || (source.from === "hub" && !decodeURIComponent(location.hash).includes(source.path)),
    );
}

async function showExample(): Promise<void> {
  await drawExample();
  if (intro.value) moduleName.value = SHOWN;
}

/** From the first view to all that the page says of the example set, and of the module that is drawn there, whether it is read already or not. */
export function exploreExample(): void {
  moduleName.value = SHOWN;
  opening(openExample);
  leadTo("module");
}

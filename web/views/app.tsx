import { signal } from "@preact/signals";
import { lazy, Suspense } from "preact/compat";
import { useEffect } from "preact/hooks";
import { addFiles, announcement, opening } from "../state/adapters.ts";
import { explorerError } from "../state/explorer.ts";
import { merges } from "../state/merge.ts";
import { moduleName } from "../state/module.ts";
import { showTab, TABS, type Tab, tab } from "../state/tabs.ts";
import { AdapterList } from "./adapter-list.tsx";
import { droppedFiles, OpenControls } from "./open-controls.tsx";
import { OverviewView } from "./overview-view.tsx";
import { modified } from "./roving.ts";

const ModuleTab = lazy(() => import("./module-view.tsx").then(({ ModuleTab }) => ModuleTab));
const MergeTab = lazy(() => import("./merge-view.tsx").then(({ MergeTab }) => MergeTab));

const dragging = signal(false);

/** Lets adapters be dropped anywhere on the page. */
function useDropping(): void {
  useEffect(() => {
    const holdsFiles = ({ dataTransfer }: DragEvent): boolean => dataTransfer?.types.includes("Files") ?? false;
    const over = (event: DragEvent): void => {
      if (!holdsFiles(event)) return;
      event.preventDefault();
      dragging.value = true;
    };
    const leave = (event: DragEvent): void => {
      if (event.relatedTarget === null) dragging.value = false;
    };
    const drop = (event: DragEvent): void => {
      if (!holdsFiles(event)) return;
      event.preventDefault();
      dragging.value = false;
      const { dataTransfer } = event;
      // Dropped items can be read only during the event.
      const files = dataTransfer === null ? null : droppedFiles(dataTransfer);
      if (files !== null) opening(async () => addFiles(await files));
    };
    const listeners = { dragover: over, dragleave: leave, drop } as const;
    for (const [name, listener] of Object.entries(listeners)) document.addEventListener(name as "drop", listener);
    return () => {
      for (const [name, listener] of Object.entries(listeners)) document.removeEventListener(name as "drop", listener);
    };
  }, []);
}

/** The page: adapters on one side, views of them on the other. */
export function App() {
  useDropping();
  return (
    <div class={`page${dragging.value ? " dragging" : ""}`}>
      <header>
        <h1>lora-lego explorer</h1>
        <p>See what merges with what, and merge, without leaving this machine.</p>
        <a href="./glossary.html" target="_blank" rel="noopener">
          Glossary
        </a>
      </header>
      <aside aria-label="Adapters">
        <OpenControls />
        <AdapterList />
      </aside>
      <main>
        {explorerError.value !== null && (
          <p class="error" role="alert">
            {explorerError.value}
          </p>
        )}
        <Tabs />
        <div id="panel" role="tabpanel" aria-labelledby={`tab-${tab.value}`} tabIndex={-1}>
          {tab.value === "overview" && <OverviewView />}
          <Suspense fallback={<p class="loading">Loading…</p>}>
            {tab.value === "module" && <ModuleTab />}
            {tab.value === "merge" && <MergeTab />}
          </Suspense>
        </div>
      </main>
      <p class="visually-hidden" aria-live="polite">
        {announcement.value}
      </p>
    </div>
  );
}

function Tabs() {
  const ids = Object.keys(TABS) as Tab[];
  const onKeyDown = (event: KeyboardEvent): void => {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (by === undefined || modified(event)) return;
    const to = ids[(ids.indexOf(tab.value) + by + ids.length) % ids.length]!;
    showTab(to);
    document.getElementById(`tab-${to}`)?.focus();
  };
  const detail: Partial<Record<Tab, string>> = {
    ...(moduleName.value !== null && { module: ` ${moduleName.value.split(".").slice(-2).join(".")}` }),
    ...(merges.value.length > 0 && { merge: ` (${merges.value.length})` }),
  };
  return (
    <div class="tabs" role="tablist" aria-label="Views" onKeyDown={onKeyDown}>
      {ids.map((id) => (
        <button
          type="button"
          role="tab"
          id={`tab-${id}`}
          key={id}
          aria-selected={tab.value === id}
          aria-controls="panel"
          tabIndex={tab.value === id ? 0 : -1}
          onClick={() => showTab(id)}
        >
          {TABS[id]}
          <small>{detail[id]}</small>
        </button>
      ))}
    </div>
  );
}

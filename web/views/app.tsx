import { lazy, Suspense } from "preact/compat";
import { useEffect, useRef } from "preact/hooks";
import { announcement, chips, openAdapters } from "../state/adapters.ts";
import { explorerError } from "../state/explorer.ts";
import { intro } from "../state/intro.ts";
import { merges } from "../state/merge.ts";
import { moduleName } from "../state/module.ts";
import { openingError, openingNote } from "../state/opening.ts";
import { led, showTab, TABS, type Tab, tab } from "../state/tabs.ts";
import { AdapterList } from "./adapter-list.tsx";
import { BasesWarning } from "./bases-warning.tsx";
import { useClosing } from "./closing.ts";
import { dragging, useDropping } from "./dropping.ts";
import { Intro } from "./intro-view.tsx";
import { KeepMenu } from "./keep-menu.tsx";
import { MissingAdapters } from "./missing-adapters.tsx";
import { ModuleTab } from "./module-view.tsx";
import { OpenButton, OpenDialog } from "./open-dialog.tsx";
import { modified } from "./roving.ts";

const OverviewTab = lazy(() => import("./overview-view.tsx").then(({ OverviewView }) => OverviewView));
const MergeTab = lazy(() => import("./merge-view.tsx").then(({ MergeTab }) => MergeTab));

/** The page: the first view, or the adapters and views of them. */
export function App() {
  useDropping();
  useClosing();
  return (
    <div class={`page${dragging.value ? " dragging" : ""}`}>
      <header>
        <h1>lora-lego explorer</h1>
        {!intro.value && (
          <>
            <Tabs />
            <OpenButton class="" text="Open" />
            <KeepMenu />
          </>
        )}
        <a href="./glossary.html" target="_blank" rel="noopener">
          Glossary
        </a>
      </header>
      {(!intro.value || chips.value.length > 0) && <AdapterList />}
      <main>
        <Messages />
        {intro.value ? <Intro /> : <Panel />}
      </main>
      <OpenDialog />
      <p class="visually-hidden" aria-live="polite">
        {announcement.value}
      </p>
    </div>
  );
}

function Panel() {
  const panel = useRef<HTMLDivElement>(null);
  const times = led.value;
  useEffect(() => {
    if (times === 0) return;
    // Header, tabs and adapters stay in view.
    panel.current!.focus({ preventScroll: true });
    scrollTo(0, 0);
  }, [times]);
  return (
    <div id="panel" role="tabpanel" aria-labelledby={`tab-${tab.value}`} tabIndex={-1} ref={panel}>
      <Suspense fallback={<p class="loading">Loading…</p>}>
        {tab.value === "overview" && <OverviewTab />}
        {tab.value === "module" && <ModuleTab />}
        {tab.value === "merge" && <MergeTab />}
      </Suspense>
    </div>
  );
}

/** What keeps adapters from being opened or merged, above every view. */
function Messages() {
  return (
    <>
      {[explorerError.value, openingError.value].map(
        (text) =>
          text !== null && (
            <p class="error" role="alert" key={text}>
              {text}
            </p>
          ),
      )}
      {openingNote.value !== null && (
        <p class="note" role="status">
          {openingNote.value}
        </p>
      )}
      <MissingAdapters />
      <BasesWarning adapters={openAdapters.value} />
    </>
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

import { signal } from "@preact/signals";
import { listed } from "../../src/core/listed.ts";
import { adapters, openExample } from "../state/adapters.ts";
import { baseConfig, withoutBase } from "../state/base-config.ts";
import { opening, openingError } from "../state/opening.ts";
import { takeFiles } from "../state/taken.ts";
import { HubForm } from "./hub-form.tsx";

const shown = signal(false);
/** The adapters that were listed when the dialog was opened, by key. */
let before: ReadonlySet<number> = new Set();
const ID = "open-adapters";

const dialog = (): HTMLDialogElement => document.getElementById(ID) as HTMLDialogElement;

function show(): void {
  openingError.value = null;
  before = new Set(adapters.value.map(({ key }) => key));
  shown.value = true;
  dialog().showModal();
}

/** Open what was picked; the dialog stays, because a browser's own takes one folder at a time. */
function picked(event: Event): void {
  const input = event.currentTarget as HTMLInputElement;
  const files = Array.from(input.files ?? [], (file) => ({ path: file.webkitRelativePath || file.name, blob: file }));
  input.value = "";
  opening(() => takeFiles(files));
}

/** The button that shows all ways to open adapters. */
export function OpenButton({ text, class: name }: { text: string; class: string }) {
  return (
    <button type="button" class={name} aria-haspopup="dialog" onClick={show}>
      {text}
    </button>
  );
}

/** What is open by now, and what was refused since the dialog was opened and why, the newest first. */
function Listed() {
  const own = adapters.value
    .filter(({ key, source, error }) => source.from !== "example" && (error === null || !before.has(key)))
    .reverse();
  if (own.length === 0 && openingError.value === null) return null;
  return (
    <div role="status">
      {own.length > 0 && (
        <ul class="listed">
          {own.map(({ key, name, card, error }) => (
            <li key={key} class={error === null ? "" : "error"}>
              {error ?? `${name}${card === null ? ": opening…" : " is open"}`}
            </li>
          ))}
        </ul>
      )}
      {openingError.value !== null && <p class="error">{openingError.value}</p>}
      <button type="button" class="primary" onClick={() => dialog().close()}>
        Done
      </button>
    </div>
  );
}

/** Which base model's config is in use, or that one is needed. */
function Base() {
  const used = baseConfig.value;
  const lacking = withoutBase.value;
  return (
    <>
      {used !== null && (
        <p class="hint">
          The base model's config in use: {used.where} ({used.modelType}).
        </p>
      )}
      {lacking.length > 0 && (
        <p class="note">
          To merge {listed(lacking)}, open the base model's config.json too: it says what other programs call their
          modules.
        </p>
      )}
    </>
  );
}

/** All ways to open adapters except dropping them on the page. */
export function OpenDialog() {
  return (
    <dialog
      id={ID}
      aria-labelledby={`${ID}-title`}
      onClose={() => {
        shown.value = false;
      }}
    >
      <div class="row between">
        <h2 id={`${ID}-title`}>Open adapters</h2>
        <button type="button" aria-label="Close" onClick={() => dialog().close()}>
          ×
        </button>
      </div>
      <p class="hint">
        Choose a folder, several times if need be, or files; or drop any number of both anywhere on this page. Of a
        folder of folders or files all adapters are opened. Nothing is uploaded.
      </p>
      <div class="row">
        <label class="button">
          Choose a folder
          <input type="file" class="hidden-input" multiple {...{ webkitdirectory: true }} onChange={picked} />
        </label>
        <label class="button">
          Choose files
          <input
            type="file"
            class="hidden-input"
            multiple
            accept=".safetensors,.json,.bin,.pt,.pth,.gguf,.zip"
            onChange={picked}
          />
        </label>
        <button
          type="button"
          onClick={() => {
            dialog().close();
            opening(openExample);
          }}
        >
          Example set
        </button>
      </div>
      <Base />
      {shown.value && <Listed />}
      <h3>From the Hugging Face Hub</h3>
      <HubForm />
    </dialog>
  );
}

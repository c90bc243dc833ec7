import { signal } from "@preact/signals";
import { addFromHub, openExample, opening } from "../state/adapters.ts";
import { takeFiles } from "../state/taken.ts";

const hubPath = signal("");
const hubToken = signal("");
const ID = "open-adapters";

const dialog = (): HTMLDialogElement => document.getElementById(ID) as HTMLDialogElement;

/** Open adapters, and close the dialog. */
function openBy(work: () => Promise<unknown>): void {
  dialog().close();
  opening(work);
}

function picked(event: Event): void {
  const input = event.currentTarget as HTMLInputElement;
  const files = Array.from(input.files ?? [], (file) => ({ path: file.webkitRelativePath || file.name, blob: file }));
  input.value = "";
  openBy(() => takeFiles(files));
}

/** The button that shows all ways to open adapters. */
export function OpenButton({ text, class: name }: { text: string; class: string }) {
  return (
    <button type="button" class={name} aria-haspopup="dialog" onClick={() => dialog().showModal()}>
      {text}
    </button>
  );
}

/** All ways to open adapters except dropping them on the page. */
export function OpenDialog() {
  return (
    <dialog id={ID} aria-labelledby={`${ID}-title`}>
      <div class="row between">
        <h2 id={`${ID}-title`}>Open adapters</h2>
        <button type="button" aria-label="Close" onClick={() => dialog().close()}>
          ×
        </button>
      </div>
      <p class="hint">
        Choose folders or files, or drop them anywhere on this page; of a folder of folders all adapters are opened.
        Nothing is uploaded.
      </p>
      <div class="row">
        <label class="button">
          Folder
          <input type="file" class="hidden-input" multiple {...{ webkitdirectory: true }} onChange={picked} />
        </label>
        <label class="button">
          Files
          <input
            type="file"
            class="hidden-input"
            multiple
            accept=".safetensors,.json,.bin,.pt,.pth,.gguf,.zip"
            onChange={picked}
          />
        </label>
        <button type="button" onClick={() => openBy(openExample)}>
          Example set
        </button>
      </div>
      <h3>From the Hugging Face Hub</h3>
      <form
        class="stack"
        onSubmit={(event) => {
          event.preventDefault();
          if (hubPath.value.trim() !== "") openBy(() => addFromHub(hubPath.value.trim(), hubToken.value.trim()));
        }}
      >
        <label>
          Adapter
          <input
            value={hubPath}
            placeholder="hf://owner/name"
            onInput={(event) => {
              hubPath.value = event.currentTarget.value;
            }}
          />
        </label>
        <label>
          Token (for private adapters)
          <input
            type="password"
            autocomplete="off"
            value={hubToken}
            onInput={(event) => {
              hubToken.value = event.currentTarget.value;
            }}
          />
        </label>
        <button type="submit">Open from the Hub</button>
      </form>
    </dialog>
  );
}

import { signal } from "@preact/signals";
import type { DroppedFile } from "../../src/browser/dropped.ts";
import { addFiles, addFromHub, addServed, opening, openingError, openingNote } from "../state/adapters.ts";

const hubPath = signal("");
const hubToken = signal("");
function picked(event: Event): void {
  const input = event.currentTarget as HTMLInputElement;
  const files = Array.from(input.files ?? [], (file) => ({ path: file.webkitRelativePath || file.name, blob: file }));
  input.value = "";
  opening(() => addFiles(files));
}

/** All ways to open adapters except dropping them on the page. */
export function OpenControls() {
  return (
    <div class="open">
      <p class="hint">Drop adapter folders or files anywhere on this page. Nothing is uploaded.</p>
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
            accept=".safetensors,.json,.bin,.pt,.pth,.gguf"
            onChange={picked}
          />
        </label>
        <button type="button" onClick={() => opening(() => addServed("./examples/adapters.json"))}>
          Example set
        </button>
      </div>
      <details>
        <summary>From the Hugging Face Hub</summary>
        <form
          class="stack"
          onSubmit={(event) => {
            event.preventDefault();
            if (hubPath.value.trim() !== "") opening(() => addFromHub(hubPath.value.trim(), hubToken.value.trim()));
          }}
        >
          <label>
            Adapter
            <input
              value={hubPath}
              placeholder="owner/name"
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
          <button type="submit">Open</button>
        </form>
      </details>
      {openingNote.value !== null && (
        <p class="note" role="status">
          {openingNote.value}
        </p>
      )}
      {openingError.value !== null && (
        <p class="error" role="alert">
          {openingError.value}
        </p>
      )}
    </div>
  );
}

/** The files in dropped folders, with their paths. */
export async function droppedFiles(transfer: DataTransfer): Promise<DroppedFile[]> {
  const entries = Array.from(transfer.items).flatMap((item) => item.webkitGetAsEntry() ?? []);
  if (entries.length === 0) return Array.from(transfer.files, (file) => ({ path: file.name, blob: file }));
  return (await Promise.all(entries.map(filesOf))).flat();
}

async function filesOf(entry: FileSystemEntry): Promise<DroppedFile[]> {
  const path = entry.fullPath.replace(/^\//, "");
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject));
    return [{ path, blob: file }];
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  const found: FileSystemEntry[] = [];
  // A reader gives a hundred entries at a time.
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0) break;
    found.push(...some);
  }
  return (await Promise.all(found.map(filesOf))).flat();
}

import { useSignal } from "@preact/signals";
import { keepingError } from "../state/kept.ts";
import { merges } from "../state/merge.ts";
import { pageLink, savePage } from "../state/page-state.ts";

/** The whole page as a link or a file, and what is kept of it in the browser. */
export function KeepMenu() {
  const link = useSignal<string | null>(null);
  const copied = useSignal(false);
  const local = ["127.0.0.1", "localhost"].includes(location.hostname);
  const copy = async (): Promise<void> => {
    link.value = pageLink();
    copied.value = await navigator.clipboard.writeText(link.value).then(
      () => true,
      () => false,
    );
  };
  return (
    <details class="over">
      <summary class="button">Keep</summary>
      <div class="stack">
        <button type="button" onClick={() => void copy()}>
          Copy a link to this page
        </button>
        {link.value !== null && (
          <label>
            {copied.value ? "Copied" : "The link"}
            <input readOnly value={link.value} onFocus={({ currentTarget }) => currentTarget.select()} />
          </label>
        )}
        <button type="button" onClick={savePage}>
          Save this page as a file
        </button>
        <p class="hint">
          Both hold where the adapters come from, and all settings. Adapters from your disk are opened again by hand.
          {local && " The link works only on this computer, while this server runs; the file works anywhere."} Drop the
          file on the page to restore it.
        </p>
        {merges.value.length > 0 && (
          <button
            type="button"
            onClick={() => {
              merges.value = [];
            }}
          >
            Forget all results
          </button>
        )}
        <p class={keepingError.value === null ? "hint" : "error"}>
          {keepingError.value ?? "Results stay in this browser over a reload."}
        </p>
      </div>
    </details>
  );
}

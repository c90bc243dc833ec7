import { useSignal } from "@preact/signals";
import { plural } from "../../src/core/plural.ts";
import { keepingError } from "../state/kept.ts";
import { forgetForm, formIsFilled } from "../state/kept-form.ts";
import { merges } from "../state/merge.ts";
import { pageLink, savePage } from "../state/page-state.ts";

/** The whole page as a link or a file, and what is kept of it in the browser. */
export function KeepMenu() {
  const link = useSignal<string | null>(null);
  const copied = useSignal(false);
  const forgotten = useSignal(false);
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
        {merges.value.length > 0 || formIsFilled.value ? (
          <Forget
            onForget={() => {
              merges.value = [];
              forgetForm();
              forgotten.value = true;
            }}
          />
        ) : (
          forgotten.value && <p role="status">Results and form are forgotten.</p>
        )}
        <p class={keepingError.value === null ? "hint" : "error"}>
          {keepingError.value ?? "Results and the form of a merge stay in this browser over a reload."}
        </p>
      </div>
    </details>
  );
}

/** The button that forgets results and form, which asks first: they may be the only ones. */
function Forget({ onForget }: { onForget(): void }) {
  const asking = useSignal(false);
  if (!asking.value) {
    return (
      <button
        type="button"
        onClick={() => {
          asking.value = true;
        }}
      >
        Forget results and form
      </button>
    );
  }
  const { length: results } = merges.value;
  const them = results === 0 ? "it" : "them";
  return (
    <fieldset class="stack plain">
      <legend>
        Forget {results > 0 && `${plural(results, "result")} and `}what the form says? Nothing brings {them} back.
      </legend>
      <div class="row">
        <button type="button" onClick={onForget}>
          Forget
        </button>
        <button
          type="button"
          class="primary"
          ref={(button) => button?.focus()}
          onClick={() => {
            asking.value = false;
          }}
        >
          Keep {them}
        </button>
      </div>
    </fieldset>
  );
}

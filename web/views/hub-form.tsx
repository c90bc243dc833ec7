import { signal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { addFromHub, remove } from "../state/adapters.ts";

const path = signal("");
const token = signal("");
/** Why what is typed does not open. */
const refusal = signal<string | null>(null);
const REFUSAL_ID = "hub-refusal";

/** The form that opens an adapter on the Hub, in a dialog that closes once it is open; what is wrong is said here, where it can be mended. */
export function HubForm() {
  const field = useRef<HTMLInputElement>(null);
  const submit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    if (path.value.trim() === "") return;
    const dialog = (event.currentTarget as HTMLFormElement).closest("dialog")!;
    refusal.value = null;
    const added = await addFromHub(path.value.trim(), token.value.trim());
    // Whoever has closed the dialog by then finds the reason in the list.
    if (added === null || !dialog.open) return;
    if (added.error === null) return dialog.close();
    remove(added.key);
    refusal.value = added.error;
    field.current!.focus();
  };
  return (
    <form class="stack" onSubmit={(event) => void submit(event)}>
      <label>
        Adapter
        <input
          ref={field}
          value={path}
          placeholder="hf://owner/name"
          aria-invalid={refusal.value !== null}
          aria-describedby={REFUSAL_ID}
          onInput={(event) => {
            path.value = event.currentTarget.value;
            refusal.value = null;
          }}
        />
      </label>
      {refusal.value !== null && (
        <p class="error" role="alert" id={REFUSAL_ID}>
          {refusal.value}
        </p>
      )}
      <label>
        Token (for private adapters)
        <input
          type="password"
          autocomplete="off"
          value={token}
          onInput={(event) => {
            token.value = event.currentTarget.value;
          }}
        />
      </label>
      <button type="submit">Open from the Hub</button>
    </form>
  );
}

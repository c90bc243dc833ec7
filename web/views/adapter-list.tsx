import { bytes, figure } from "../../src/core/shown.ts";
import { adapters, type ListedAdapter, move, openAdapters, remove, rename, weigh } from "../state/adapters.ts";
import { Mark } from "./palette.tsx";

/** The adapters as cards, in merge order. */
export function AdapterList() {
  if (adapters.value.length === 0) return <p class="empty">No adapters yet. The example set is one click away.</p>;
  return (
    <ol class="cards" aria-label="Adapters">
      {adapters.value.map((adapter, place) => (
        <Card key={adapter.key} adapter={adapter} place={place} last={place === adapters.value.length - 1} />
      ))}
    </ol>
  );
}

function Card({ adapter, place, last }: { adapter: ListedAdapter; place: number; last: boolean }) {
  const { key, name, weight, error } = adapter;
  const index = openAdapters.value.findIndex((open) => open.key === key);
  return (
    <li class={`card${error === null ? "" : " failed"}`}>
      <div class="row">
        {index >= 0 && <Mark index={index} />}
        <input
          class="name"
          aria-label={`Name of ${name}`}
          value={name}
          onChange={({ currentTarget }) => {
            currentTarget.value = rename(key, currentTarget.value);
          }}
        />
        <button type="button" aria-label={`Move ${name} up`} aria-disabled={place === 0} onClick={() => move(key, -1)}>
          ↑
        </button>
        <button type="button" aria-label={`Move ${name} down`} aria-disabled={last} onClick={() => move(key, 1)}>
          ↓
        </button>
        <button
          type="button"
          aria-label={`Remove ${name}`}
          onClick={({ currentTarget }) => removeCard(key, currentTarget)}
        >
          ×
        </button>
      </div>
      <Facts adapter={adapter} />
      {adapter.card !== null && (
        <label class="weight">
          weight
          <input
            type="number"
            step="0.1"
            aria-label={`Weight of ${name}`}
            value={weight}
            onChange={({ currentTarget }) => {
              currentTarget.value = String(weigh(key, currentTarget.valueAsNumber));
            }}
          />
        </label>
      )}
    </li>
  );
}

/** Remove an adapter; the focus moves to the next card, or to the controls that open adapters. */
function removeCard(key: number, button: HTMLElement): void {
  const card = button.closest("li")!;
  const next = card.nextElementSibling ?? card.previousElementSibling;
  const goal = next?.querySelector<HTMLElement>(".name") ?? document.querySelector<HTMLElement>("aside button");
  goal?.focus();
  remove(key);
}

function Facts({ adapter: { card, error } }: { adapter: ListedAdapter }) {
  if (error !== null) return <p class="error">{error}</p>;
  if (card === null) return <p class="loading">Opening…</p>;
  const ranks = card.ranks.length > 3 ? `${card.ranks[0]} to ${card.ranks.at(-1)}` : card.ranks.join(", ");
  const scales = card.scales.length > 3 ? "several" : card.scales.map(figure).join(", ");
  return (
    <>
      <p class="facts">
        {card.format} · rank {ranks} · scale {scales} · {card.modules} modules · {card.dtypes.join(", ")} ·{" "}
        {bytes(card.bytes)}
      </p>
      {card.baseModel !== null && <p class="facts">base {card.baseModel}</p>}
      {card.notes.map((note) => (
        <p class="note" key={note}>
          {note}
        </p>
      ))}
    </>
  );
}

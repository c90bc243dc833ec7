import { bytes, figure } from "../../src/core/shown.ts";
import {
  chips,
  type ListedAdapter,
  move,
  openAdapters,
  openExample,
  remove,
  rename,
  weigh,
} from "../state/adapters.ts";
import { opening } from "../state/opening.ts";
import { audited } from "../state/overview.ts";
import { pageWords } from "../state/page-words.ts";
import { tab } from "../state/tabs.ts";
import { Mark } from "./palette.tsx";
import { Shortened } from "./shortened.tsx";

/** The adapters as chips, in merge order; a chip opens its card. */
export function AdapterList() {
  const failed = chips.value.filter(({ error }) => error !== null);
  return (
    <aside aria-label="Adapters">
      <ol class="chips">
        {chips.value.map((adapter, place) => (
          <li class={`chip${adapter.error === null ? "" : " failed"}`} key={adapter.key}>
            {adapter.error === null ? (
              <Chip adapter={adapter} place={place} last={place === chips.value.length - 1} />
            ) : (
              <>
                {!adapter.error.includes(adapter.name) && <b>{adapter.name}</b>}{" "}
                <span class="error">{adapter.error}</span> <Remove adapter={adapter} />
              </>
            )}
          </li>
        ))}
        {failed.length > 1 && (
          <li>
            <button
              type="button"
              onClick={() => {
                for (const { key } of failed) remove(key);
              }}
            >
              Remove the {failed.length} that are not open
            </button>
          </li>
        )}
        {chips.value.length === 0 && (
          <li class="hint">
            No adapters yet.{" "}
            <button type="button" class="quiet" onClick={() => opening(openExample)}>
              Open the example set
            </button>
          </li>
        )}
      </ol>
    </aside>
  );
}

/** Pixels between a card and the edge of the page. */
const BESIDE_CARD = 8;

/** Move the card of a chip near the right edge as far left as it needs. */
function keepInView(card: HTMLElement): void {
  card.style.left = "0";
  const over = card.getBoundingClientRect().right + BESIDE_CARD - document.documentElement.clientWidth;
  if (over > 0) card.style.left = `${-over}px`;
}

function Chip({ adapter, place, last }: { adapter: ListedAdapter; place: number; last: boolean }) {
  const { key, name, weight, card } = adapter;
  const index = openAdapters.value.findIndex((open) => open.key === key);
  return (
    <details name="chip" onToggle={({ currentTarget }) => keepInView(currentTarget.querySelector(".card")!)}>
      <summary>
        {index >= 0 && <Mark index={index} />}{" "}
        <b>
          <Shortened name={name} />
        </b>
        {card === null ? <small>opening…</small> : <InShort adapter={{ ...adapter, card }} index={index} />}
      </summary>
      <div class="card">
        <div class="row">
          <input
            class="name"
            aria-label={`Name of ${name}`}
            value={name}
            // preact/compat makes `onChange` of text fields hear every letter.
            onChangeCapture={({ currentTarget }) => {
              currentTarget.value = rename(key, currentTarget.value);
            }}
          />
          <button
            type="button"
            aria-label={`Move ${name} left`}
            aria-disabled={place === 0}
            onClick={() => move(key, -1)}
          >
            ←
          </button>
          <button type="button" aria-label={`Move ${name} right`} aria-disabled={last} onClick={() => move(key, 1)}>
            →
          </button>
          <Remove adapter={adapter} />
        </div>
        <Facts adapter={adapter} />
        {card !== null && (
          <label class="weight">
            weight
            <input
              type="number"
              step="0.1"
              aria-label={`Weight of ${name}`}
              value={weight}
              onChangeCapture={({ currentTarget }) => {
                currentTarget.value = String(weigh(key, currentTarget.valueAsNumber));
              }}
            />
          </label>
        )}
      </div>
    </details>
  );
}

const ranksOf = (ranks: readonly number[]): string =>
  ranks.length > 3 ? `${ranks[0]} to ${ranks.at(-1)}` : ranks.join(", ");

/** Rank, norm, weight where no slider shows it, and whether the adapter is lost in the sum of all. */
function InShort({
  adapter: { card, weight },
  index,
}: {
  adapter: ListedAdapter & { card: { ranks: readonly number[] } };
  index: number;
}) {
  const found = audited.value;
  const own = found !== null && "audit" in found ? (found.audit.adapters[index] ?? null) : null;
  const lost = found !== null && "audit" in found && found.lost.includes(index);
  return (
    <small>
      {weight !== 1 && tab.value !== "merge" && `× ${weight} · `}rank {ranksOf(card.ranks)}
      {own !== null && ` · norm ${own.norm.toPrecision(2)}`}
      {lost && <strong class="lost"> lost</strong>}
    </small>
  );
}

function Remove({ adapter: { key, name } }: { adapter: ListedAdapter }) {
  return (
    <button
      type="button"
      aria-label={`Remove ${name}`}
      title="Close this adapter; nothing is deleted"
      onClick={({ currentTarget }) => removeChip(key, currentTarget)}
    >
      Remove
    </button>
  );
}

/** Remove an adapter; the focus moves to the next chip, or to the button that opens adapters. */
function removeChip(key: number, button: HTMLElement): void {
  const chip = button.closest("li")!;
  const next = chip.nextElementSibling ?? chip.previousElementSibling;
  const goal =
    next?.querySelector<HTMLElement>("summary, button") ?? document.querySelector<HTMLElement>("header button");
  goal?.focus();
  remove(key);
}

function Facts({ adapter: { card } }: { adapter: ListedAdapter }) {
  if (card === null) return <p class="loading">Opening…</p>;
  const scales = card.scales.length > 3 ? "several" : card.scales.map(figure).join(", ");
  return (
    <>
      <p class="facts">
        {card.format} · rank {ranksOf(card.ranks)} · scale {scales} · {card.modules} modules · {card.dtypes.join(", ")}{" "}
        · {bytes(card.bytes)}
      </p>
      {card.baseModel !== null && <p class="facts">base {card.baseModel}</p>}
      {card.notes.map((note) => (
        <p class="note" key={note}>
          {pageWords(note)}
        </p>
      ))}
    </>
  );
}

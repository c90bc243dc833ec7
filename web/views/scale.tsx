import { figure } from "../../src/core/shown.ts";

/** The legend of a scale of colours with fixed ends: orange below zero, blue above. */
export function Scale({ least, most }: { least: number; most: number }) {
  const short = (value: number): string => (Number.isInteger(value) ? String(value) : figure(value));
  return (
    <p class={`scale${least < 0 ? " diverging" : ""}`}>
      {short(least)} <span class="ramp" aria-hidden="true" /> {short(most)}
      {least < 0 && <span class="visually-hidden">: orange is opposed, blue is alike</span>}
    </p>
  );
}

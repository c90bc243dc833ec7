/** A problem with using an adapter, or something to keep in mind. */
export interface Finding {
  /** fails: it does not load; differs: it loads with another meaning; note: it works, if this is kept in mind. */
  readonly level: "fails" | "differs" | "note";
  readonly text: string;
}

export const fails = (text: string): Finding => ({ level: "fails", text });
export const differs = (text: string): Finding => ({ level: "differs", text });
export const note = (text: string): Finding => ({ level: "note", text });

/** "is one" or "are 3", for a count. */
export function areMany(number: number, one: string, many: string): string {
  return number === 1 ? one : `are ${number}${many}`;
}

/** A number with at most six digits. */
export function short(value: number): string {
  return String(Number(value.toPrecision(6)));
}

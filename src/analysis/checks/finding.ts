/** What is in the way of using an adapter, or what to mind. */
export interface Finding {
  /** fails: it does not load; differs: it loads and means something else; note: it works, as long as this is minded. */
  readonly level: "fails" | "differs" | "note";
  readonly text: string;
}

export const fails = (text: string): Finding => ({ level: "fails", text });
export const differs = (text: string): Finding => ({ level: "differs", text });
export const note = (text: string): Finding => ({ level: "note", text });

/** "is one", "are 3": of a count. */
export function areMany(number: number, one: string, many: string): string {
  return number === 1 ? one : `are ${number}${many}`;
}

/** A number with six digits at most. */
export function short(value: number): string {
  return String(Number(value.toPrecision(6)));
}

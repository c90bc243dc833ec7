import type { WrittenFormat } from "../../convert/formats.ts";

/** The change that mends a finding, as parts of a command. Those of all findings make one command. */
export interface Mend {
  /** The format to write. */
  readonly to?: WrittenFormat;
  /** Whether it takes a merge for the program, which alone changes ranks, scales, settings and the list of modules. */
  readonly fitted?: true;
  /** The rank to cut it to. */
  readonly rank?: number;
  readonly rankLayout?: "uniform";
  /** What becomes of tensors besides the factors. */
  readonly extras?: "drop";
  /** A pattern of the modules to leave out. */
  readonly exclude?: string;
  /** Whether the base model's weights are needed. */
  readonly onBase?: true;
  /** Whether the program takes no LoRA there, so that the adapter goes into the base itself. */
  readonly fused?: true;
}

/** A problem with using an adapter, or something to keep in mind. */
export interface Finding {
  /** fails: it does not load; differs: it loads with another meaning; note: it works, if this is kept in mind. */
  readonly level: "fails" | "differs" | "note";
  readonly text: string;
  /** What mends it; absent where no command of lora-lego does. */
  readonly mend?: Mend;
}

export const fails = (text: string, mend?: Mend): Finding => finding("fails", text, mend);
export const differs = (text: string, mend?: Mend): Finding => finding("differs", text, mend);
export const note = (text: string): Finding => ({ level: "note", text });

function finding(level: Finding["level"], text: string, mend: Mend | undefined): Finding {
  return { level, text, ...(mend !== undefined && { mend }) };
}

/** "is one" or "are 3", for a count. */
export function areMany(number: number, one: string, many: string): string {
  return number === 1 ? one : `are ${number}${many}`;
}

/** A number with at most six digits. */
export function short(value: number): string {
  return String(Number(value.toPrecision(6)));
}

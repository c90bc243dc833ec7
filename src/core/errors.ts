/**
 * What can go wrong, one class per kind. Every message is a full sentence that names the file and tensor, what was found,
 * what was expected, and what to do. All but HubError are permanent: the same input fails the same way again.
 */
export abstract class LoraLegoError extends Error {
  override get name(): string {
    return this.constructor.name;
  }
}

/** The bytes are not what their format promises (damaged, truncated, hostile, or another format altogether). */
export class FormatError extends LoraLegoError {}

/** The file is sound, but what it says cannot be merged correctly (DoRA, changed bases, mismatching sets...). */
export class RefusedError extends LoraLegoError {}

/** The request itself makes no sense: an unknown option, a value out of range, too few adapters. */
export class UsageError extends LoraLegoError {}

/** The target cannot be written as asked (not ours to replace, inside an input, no space). */
export class OutputError extends LoraLegoError {}

/** The Hub cannot be reached or does not give what was asked for; the same request may work later, or with a token. */
export class HubError extends LoraLegoError {}

const KINDS = { FormatError, RefusedError, UsageError, OutputError, HubError };

/** An error as plain data, to cross from a worker to its owner. */
export interface ErrorMessage {
  readonly kind: string;
  readonly message: string;
  /** The code of a system error, as ENOSPC, and the file that it means. */
  readonly code?: string;
  readonly path?: string;
}

/** Take an error apart for `reviveError`. */
export function errorMessage(error: unknown): ErrorMessage {
  if (!(error instanceof Error)) return { kind: "Error", message: String(error) };
  const { code, path } = error as Error & { code?: string; path?: string };
  if (code !== undefined)
    return { kind: error.name, message: error.message, code, ...(path !== undefined && { path }) };
  return { kind: error.name, message: error instanceof LoraLegoError ? error.message : (error.stack ?? error.message) };
}

/** The error that `errorMessage` took apart, of its own class where it is one of ours. */
export function reviveError({ kind, message, code, path }: ErrorMessage): Error {
  if (Object.hasOwn(KINDS, kind)) return new KINDS[kind as keyof typeof KINDS](message);
  if (code === undefined) return new Error(message);
  return Object.assign(new Error(message), { code, ...(path !== undefined && { path }) });
}

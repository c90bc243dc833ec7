/**
 * The errors of lora-lego, one class per kind. Every message is a full sentence that names the file and tensor, what was found,
 * what was expected, and what to do. All except RemoteError and QueueError are permanent: the same input fails the same way again.
 */
export abstract class LoraLegoError extends Error {
  override get name(): string {
    return this.constructor.name;
  }
}

/** The bytes do not match their format (damaged, truncated, hostile, or another format). */
export class FormatError extends LoraLegoError {}

/** The file is sound, but its contents cannot be merged correctly (DoRA, changed bases, mismatched adapters...). */
export class RefusedError extends LoraLegoError {}

/** The request itself makes no sense: an unknown option, a value out of range, too few adapters. */
export class UsageError extends LoraLegoError {}

/** The output cannot be written as asked (not ours to replace, inside an input, no space). */
export class OutputError extends LoraLegoError {}

/** The Hub or another server cannot be reached or does not return the requested file; the request may work later, or with a token. */
export class RemoteError extends LoraLegoError {}

/** The queue cannot be reached, or its workers did not get a job done; the request may work later. */
export class QueueError extends LoraLegoError {}

const KINDS = { FormatError, RefusedError, UsageError, OutputError, RemoteError, QueueError };

/** An error as plain data, to send from a worker to its owner. */
export interface ErrorMessage {
  readonly kind: string;
  readonly message: string;
  /** The code of a system error, such as ENOSPC, and the file it is about. */
  readonly code?: string;
  readonly path?: string;
}

/** Turn an error into plain data for `reviveError`. */
export function errorMessage(error: unknown): ErrorMessage {
  if (!(error instanceof Error)) return { kind: "Error", message: String(error) };
  if (error instanceof LoraLegoError) return { kind: kindOf(error), message: error.message };
  const { code, path } = error as Error & { code?: string; path?: string };
  if (code !== undefined)
    return { kind: error.name, message: error.message, code, ...(path !== undefined && { path }) };
  return { kind: error.name, message: error.stack ?? error.message };
}

/** The class of an error, or the one that a narrower class is of. */
function kindOf(error: LoraLegoError): string {
  return Object.entries(KINDS).find(([, Kind]) => error instanceof Kind)?.[0] ?? error.name;
}

/** The error behind an `errorMessage`, in its own class if it is one of lora-lego's. */
export function reviveError({ kind, message, code, path }: ErrorMessage): Error {
  if (Object.hasOwn(KINDS, kind)) return new KINDS[kind as keyof typeof KINDS](message);
  if (code === undefined) return new Error(message);
  return Object.assign(new Error(message), { code, ...(path !== undefined && { path }) });
}

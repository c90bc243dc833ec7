/**
 * What can go wrong, one class per kind. Every message is a full sentence that names the file and tensor, what was found,
 * what was expected, and what to do. All of these are permanent: the same input fails the same way again.
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

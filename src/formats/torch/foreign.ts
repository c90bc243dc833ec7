import type { ByteSource } from "../../core/bytes.ts";
import { FormatError, RefusedError } from "../../core/errors.ts";
import { foreignFormat } from "../safetensors/foreign.ts";
import { SAVE_INSTEAD } from "./values.ts";

/** Up to tar's mark, which comes last. */
const HEAD_BYTES = 512;
const TAR_MARK_BEGIN = 257;

/** 0x1950a86a20f9469cfc6c, little-endian, as a pickle of any protocol stores it: the first pickle of the old format. */
const OLD_FORMAT = "\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19";

/** Whether a file begins as a Python pickle of protocol 2 to 5. @param head its first bytes */
export function isPickle(head: Uint8Array): boolean {
  return head[0] === 0x80 && head[1]! >= 2 && head[1]! <= 5;
}

/**
 * Refuse a file that is not a zip archive, which torch.save has written since 2020, and say what it is instead.
 * @throws RefusedError for older checkpoints and bare pickles, FormatError for everything else.
 */
export async function refuseForeign(source: ByteSource): Promise<void> {
  const { name, size } = source;
  const bytes = new Uint8Array(Math.min(size, HEAD_BYTES));
  await source.read(0, bytes);
  const head = String.fromCharCode(...bytes);
  if (head.startsWith("PK")) return;
  const pickle = isPickle(bytes);
  if (pickle && head.slice(0, 64).includes(OLD_FORMAT)) {
    throw new RefusedError(
      `${name} is a checkpoint in the format of PyTorch before 1.6, which is not a zip archive; ${SAVE_INSTEAD}.`,
    );
  }
  if (head.startsWith("ustar", TAR_MARK_BEGIN)) {
    throw new RefusedError(
      `${name} is a tar archive, as the first versions of PyTorch wrote checkpoints; ${SAVE_INSTEAD} (or unpack it, if it only holds an adapter).`,
    );
  }
  if (pickle) {
    throw new RefusedError(`${name} is a bare Python pickle, not a checkpoint of torch.save; ${SAVE_INSTEAD}.`);
  }
  if (head.charAt(8) === "{" && new DataView(bytes.buffer).getBigUint64(0, true) <= size - 8) {
    throw new FormatError(`${name} is a safetensors file by its first bytes; give it the suffix .safetensors.`);
  }
  const foreign = await foreignFormat(source);
  if (foreign !== undefined) throw new FormatError(`${name} is not a PyTorch checkpoint: it is ${foreign}.`);
  throw new FormatError(
    `${name} is damaged or not a PyTorch checkpoint: it has ${size} bytes and does not start with "PK", as a zip archive does; copy or download it again.`,
  );
}

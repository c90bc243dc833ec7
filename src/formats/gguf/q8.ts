import { f16ToF32 } from "../../core/float-formats.ts";

const BLOCK = 32;
const BLOCK_BYTES = 34;

/** The values of a Q8_0 tensor: blocks of an f16 scale and the 32 signed bytes it multiplies. Exact in f32. */
export function decodeQ8(bytes: Uint8Array): Float32Array {
  const blocks = bytes.length / BLOCK_BYTES;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const values = new Float32Array(blocks * BLOCK);
  for (let block = 0; block < blocks; block++) {
    const at = block * BLOCK_BYTES;
    const scale = f16ToF32(view.getUint16(at, true));
    for (let k = 0; k < BLOCK; k++) values[block * BLOCK + k] = scale * view.getInt8(at + 2 + k);
  }
  return values;
}

/** MurmurHash3's finalizer (Appleby, public domain): a bijection of 32-bit words; every output bit depends on all input bits. */
export function mixed(word: number): number {
  let h = word | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}

// The most that this processor's 128-bit units do with multiplies and adds that are not fused: a loop over registers alone, in
// WebAssembly like the kernels. Six products and six sums, all independent of each other, fill both kinds of ports.
import asc from "assemblyscript/asc";

const EACH = Array.from({ length: 6 }, (_, i) => i);
const SOURCE = `
export function multiplyAdds(rounds: i32): f32 {
  const factor = v128.load(0);
  let ${EACH.map((i) => `p${i} = v128.load(${16 * i + 16}), s${i} = v128.load(${16 * i + 16})`).join(", ")};
  for (let round = 0; round < rounds; round++) {
    ${EACH.map((i) => `s${i} = f32x4.add(s${i}, p${i}); p${i} = f32x4.mul(p${i}, factor);`).join("\n    ")}
  }
  return ${EACH.map((i) => `f32x4.extract_lane(f32x4.add(s${i}, p${i}), 0)`).join(" + ")};
}`;
const ROUNDS = 20_000;

/** A call of some microseconds and its work in f32 operations; f64 has half as many. */
export async function peakLoop() {
  let wasm;
  const flags = ["-O3", "--runtime", "stub", "--enable", "simd", "--importMemory", "--outFile", "peak.wasm"];
  const { error } = await asc.main(["peak.ts", ...flags], {
    readFile: (name) => (name === "peak.ts" ? SOURCE : null),
    writeFile: (name, contents) => {
      if (name === "peak.wasm") wasm = contents;
    },
    listFiles: () => [],
  });
  if (error) throw error;
  const memory = new WebAssembly.Memory({ initial: 1 });
  new Float32Array(memory.buffer).fill(1);
  const { multiplyAdds } = new WebAssembly.Instance(new WebAssembly.Module(wasm), { env: { memory } }).exports;
  return { run: () => multiplyAdds(ROUNDS), work: 2 * 6 * 4 * ROUNDS };
}

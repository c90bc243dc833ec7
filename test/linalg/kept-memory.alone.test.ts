import { beforeEach, describe, expect, it, vi } from "vitest";
import { seededRandom } from "../../src/core/random.ts";
import { symmetricEigen } from "../../src/linalg/symmetric-eigen.ts";

const seen = vi.hoisted(() => ({ chains: [] as ArrayBufferLike[], memories: 0 }));
vi.mock("../../src/kernels/dense.ts", async (original) => {
  const dense = await original<typeof import("../../src/kernels/dense.ts")>();
  const vectorsBack: typeof dense.vectorsBack = (columns, n, chains, reflections) => {
    seen.chains.push(chains.turns.buffer);
    return dense.vectorsBack(columns, n, chains, reflections);
  };
  return { ...dense, vectorsBack };
});

/** The largest eigenvalue of a random symmetric matrix. */
function solve(n: number): number {
  const random = seededRandom(n);
  const matrix = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) matrix[i * n + j] = matrix[j * n + i] = random.uniform() - 0.5;
  }
  return symmetricEigen(matrix, n, 1).values[0]!;
}

describe("memory that symmetricEigen keeps", () => {
  beforeEach(() => {
    seen.chains = [];
    seen.memories = 0;
    const { Memory } = WebAssembly;
    vi.spyOn(WebAssembly, "Memory").mockImplementation(function made(descriptor) {
      seen.memories++;
      return new Memory(descriptor);
    });
    return () => vi.restoreAllMocks();
  });

  it("is used again for small matrices, and given up after a large one", () => {
    const small = solve(40);
    const first = seen.memories;
    expect(solve(40)).toBe(small);
    expect(seen.memories).toBe(first);
    expect(seen.chains[1]).toBe(seen.chains[0]);
    solve(1100);
    expect(seen.chains[2]!.byteLength).toBeGreaterThan(16 * 2 ** 20);
    expect(solve(40)).toBe(small);
    expect(seen.memories).toBe(first + 1);
    expect(seen.chains[3]!.byteLength).toBeLessThan(2 ** 20);
  });
});

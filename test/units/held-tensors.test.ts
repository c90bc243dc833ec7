import { describe, expect, it } from "vitest";
import type { ByteSource } from "../../src/core/bytes.ts";
import { heldTensor, MAX_HELD_BYTES } from "../../src/units/held-tensors.ts";

/** A source that counts its reads and gives each tensor's first byte as its begin in mebibytes. */
function counting(fails = 0): ByteSource & { reads: number } {
  const source = {
    name: "counting",
    size: 8 * MAX_HELD_BYTES,
    reads: 0,
    async read(offset: number, into: Uint8Array) {
      source.reads++;
      if (source.reads <= fails) throw new Error("not now");
      into[0] = offset / 2 ** 20;
    },
  };
  return source;
}

const HALF = MAX_HELD_BYTES / 2;

describe("a tensor that is held", () => {
  it("is read once, also by readers at the same time", async () => {
    const source = counting();
    const [one, other] = await Promise.all([heldTensor(source, 0, 16), heldTensor(source, 0, 16)]);
    expect(one).toBe(other);
    expect(await heldTensor(source, 0, 16)).toBe(one);
    expect(source.reads).toBe(1);
  });

  it("is forgotten once others fill the room, the longest unused first", async () => {
    const source = counting();
    const at = (begin: number) => heldTensor(source, begin * HALF, (begin + 1) * HALF);
    await at(0);
    await at(1);
    await at(0);
    await at(2);
    expect(source.reads).toBe(3);
    expect((await at(0))![0]).toBe(0);
    expect(source.reads).toBe(3);
    await at(1);
    expect(source.reads).toBe(4);
  });

  it("belongs to its source", async () => {
    const [one, other] = [counting(), counting()];
    await heldTensor(one, 0, 8);
    await heldTensor(other, 0, 8);
    expect([one.reads, other.reads]).toEqual([1, 1]);
  });

  it("is read again after a failure", async () => {
    const source = counting(1);
    await expect(heldTensor(source, 0, 8)).rejects.toThrow("not now");
    expect(await heldTensor(source, 0, 8)).toHaveLength(8);
  });

  it("is not held beyond the room", () => {
    expect(heldTensor(counting(), 0, MAX_HELD_BYTES + 1)).toBeNull();
  });
});

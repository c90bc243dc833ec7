import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { memorySource } from "../../src/core/bytes.ts";
import type { Dtype } from "../../src/core/dtype.ts";
import { UsageError } from "../../src/core/errors.ts";
import { readHeader } from "../../src/formats/safetensors/header.ts";
import { layoutSafetensors, type TensorSpec } from "../../src/formats/safetensors/layout.ts";
import { encodeSafetensors } from "../../src/formats/safetensors/write.ts";
import { goldenFiles } from "../support/safetensors.ts";

const dtypes: Dtype[] = ["BOOL", "F4", "U8", "F8_E4M3", "F16", "BF16", "I32", "F32", "F64", "I64"];
const specs: fc.Arbitrary<TensorSpec[]> = fc
  .uniqueArray(
    fc.record({
      name: fc.string({ unit: "binary" }).filter((name) => name !== "__metadata__"),
      dtype: fc.constantFrom(...dtypes),
      shape: fc.array(
        fc.nat(3).map((size) => 2 * size),
        { maxLength: 3 },
      ),
    }),
    { selector: ({ name }) => name },
  )
  .map((list) => list.filter(({ dtype, shape }) => dtype !== "F4" || shape.length > 0));
const metadata = fc.option(fc.dictionary(fc.string({ unit: "binary" }), fc.string({ unit: "binary" })), {
  nil: undefined,
});

const f32 = (name: string, shape: number[] = [1]): TensorSpec => ({ name, dtype: "F32", shape });

describe("encodeSafetensors", () => {
  // With two metadata keys or more Python itself writes them in a random order.
  const definite = goldenFiles().filter(({ metadata }) => Object.keys(metadata ?? {}).length < 2);

  it.each(definite)("writes the same bytes as Python for $name, whatever the order of the tensors", (golden) => {
    const tensors = golden.tensors.map(({ hex, ...spec }) => ({
      ...spec,
      data: new Uint8Array(Buffer.from(hex, "hex")),
    }));
    for (const order of [tensors, [...tensors].reverse()]) {
      const bytes = encodeSafetensors(order, golden.metadata ?? undefined);
      expect(Buffer.from(bytes).toString("latin1")).toBe(Buffer.from(golden.bytes).toString("latin1"));
    }
  });

  it("refuses data that is not as long as its shape says", () => {
    const tensor = { ...f32("a"), data: new Uint8Array(3) };
    expect(() => encodeSafetensors([tensor])).toThrow('"a" comes with 3 bytes, but its dtype and shape take 4');
  });
});

describe("layoutSafetensors", () => {
  it("plans what readHeader reads back", async () => {
    await fc.assert(
      fc.asyncProperty(specs, metadata, async (tensors, metadata) => {
        const layout = layoutSafetensors(tensors, metadata);
        const file = new Uint8Array(layout.size);
        file.set(layout.header);
        const header = await readHeader(memorySource("x", file));
        expect(header.tensors).toEqual(layout.tensors);
        expect([...header.metadata]).toEqual(expect.arrayContaining(Object.entries(metadata ?? {})));
        expect(header.metadata.size).toBe(Object.keys(metadata ?? {}).length);
        expect(header.headerBytes).toBe(layout.header.byteLength);
        expect(header.headerBytes % 8).toBe(0);
      }),
    );
  });

  it("does not depend on the order of tensors and metadata", () => {
    fc.assert(
      fc.property(specs, fc.dictionary(fc.string(), fc.string()), (tensors, metadata) => {
        const reversed = Object.fromEntries(Object.entries(metadata).reverse());
        expect(layoutSafetensors([...tensors].reverse(), reversed)).toEqual(layoutSafetensors(tensors, metadata));
      }),
    );
  });

  it("sorts metadata keys, which Python leaves to chance", () => {
    const { header } = layoutSafetensors([], { format: "pt", a: "1", "10": "x" });
    expect(new TextDecoder().decode(header.slice(8))).toContain('{"__metadata__":{"10":"x","a":"1","format":"pt"}}');
  });

  it("writes __metadata__ for an empty record and none for undefined", () => {
    expect(new TextDecoder().decode(layoutSafetensors([], {}).header.slice(8))).toBe('{"__metadata__":{}}     ');
    expect(new TextDecoder().decode(layoutSafetensors([]).header.slice(8))).toBe("{}      ");
  });

  it("plans files larger than memory", () => {
    const { size, tensors } = layoutSafetensors([f32("a", [2 ** 20, 2 ** 20]), f32("b")]);
    expect(tensors.get("b")!.begin - tensors.get("a")!.begin).toBe(2 ** 42);
    expect(size).toBe(tensors.get("b")!.end);
  });

  it("refuses what the format cannot hold", () => {
    const refuses = (part: string, tensors: TensorSpec[], metadata?: Record<string, string>) => {
      let error: unknown;
      try {
        layoutSafetensors(tensors, metadata);
      } catch (thrown) {
        error = thrown;
      }
      expect(error).toBeInstanceOf(UsageError);
      expect((error as Error).message).toContain(part);
    };
    refuses('"a" twice', [f32("a"), { name: "a", dtype: "F16", shape: [1] }]);
    refuses('"__metadata__" at all', [f32("__metadata__")]);
    refuses("half of a surrogate pair", [f32("\ud800")]);
    refuses("half of a surrogate pair", [], { a: "\udc00" });
    refuses("correct its shape", [f32("a", [-1])]);
    refuses("correct its shape", [f32("a", [0.5, 2])]);
    refuses("correct its shape", [f32("a", [2 ** 50, 8])]);
    refuses("correct its shape", [{ name: "a", dtype: "F4", shape: [3] }]);
    refuses("at most 100000000", [], { a: "x".repeat(100_000_000) });
  });
});

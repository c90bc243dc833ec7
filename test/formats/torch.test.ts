import { describe, expect, it } from "vitest";
import { type ByteSource, blobSource, memorySource } from "../../src/core/bytes.ts";
import { RefusedError } from "../../src/core/errors.ts";
import { readTorch } from "../../src/formats/torch/read.ts";
import {
  call,
  checkpoint,
  checkpointFiles,
  dict,
  EMPTY_DICT,
  FALSE,
  global,
  ORDERED_DICT,
  type Piece,
  pickled,
  rawZip,
  storage,
  tensor,
  text,
  torchGoldens,
} from "../support/torch.ts";

const read = (bytes: Uint8Array) => readTorch(memorySource("x.bin", bytes));
const goldens = torchGoldens();
const named = (name: string) => goldens.filter((golden) => golden.name === name);

describe("readTorch", () => {
  it.each(goldens.filter(({ tensors }) => tensors !== undefined))(
    "finds every tensor of $name.bin by torch $version, byte for byte",
    async ({ bytes, tensors }) => {
      const found = await read(bytes);
      expect([...found.keys()].sort()).toEqual(Object.keys(tensors!).sort());
      for (const [name, { dtype, shape, begin, end }] of found) {
        const hex = Buffer.from(bytes.subarray(begin, end)).toString("hex");
        expect({ dtype, shape, hex }, name).toEqual(tensors![name]);
      }
    },
  );

  it("has golden files of every kind that is read, by an old and a newer torch", () => {
    expect(new Set(goldens.map(({ version }) => version))).toEqual(new Set(["1.13", "2.6"]));
    const dtypes = named("every-dtype").map(({ tensors }) => Object.values(tensors!).map(({ dtype }) => dtype));
    expect(dtypes.map(({ length }) => length)).toEqual([11, 18]);
  });

  it("reads the directory, the pickle and the headers of storages, and no data", async () => {
    const source = memorySource("x.bin", checkpoint(dict({ a: tensor({ storage: storage("0", 1e5) }) }), 4e5));
    const reads: [number, number][] = [];
    const watched: ByteSource = {
      ...source,
      read(offset, into) {
        reads.push([offset, offset + into.byteLength]);
        return source.read(offset, into);
      },
    };
    const { begin, end } = (await readTorch(watched)).get("a")!;
    expect(end - begin).toBe(8);
    // The first bytes tell the format, the last 64 KB hold the directory; both reach into the data of so small a file.
    const inside = reads.filter(([from, to]) => to > begin && from < begin + 3e5);
    expect(inside).toEqual([[0, 512]]);
  });

  it("reads a Blob", async () => {
    const [golden] = named("adapter");
    const found = await readTorch(blobSource("x.bin", new Blob([golden!.bytes.slice()])));
    expect(found).toEqual(await read(golden!.bytes));
  });

  it.each(["", "archive/", "adapter_model/", "ünï/deep/"])("finds data.pkl in the folder %j", async (folder) => {
    const files = checkpointFiles(pickled(dict({ a: tensor() })), 8, folder);
    expect((await read(rawZip(files))).get("a")).toMatchObject({ dtype: "F32", shape: [1, 2] });
  });

  it("reads ZIP64 archives and archives with a comment as the plain one", async () => {
    const files = checkpointFiles(pickled(dict({ a: tensor() })));
    const plain = await read(rawZip(files));
    expect(await read(rawZip(files, { zip64: true }))).toEqual(plain);
    expect(await read(rawZip(files, { zip64: "offsets" }))).toEqual(plain);
    expect(await read(rawZip(files, { comment: "PK\x05\x06 and more" }))).toEqual(plain);
    expect(plain.get("a")!.end - plain.get("a")!.begin).toBe(8);
  });

  it("gives tensors in the order of their data, views of one storage at their own offsets", async () => {
    const twoFloats = storage("0", 2);
    const found = await read(
      checkpoint(
        dict({
          second: tensor({ storage: twoFloats, offset: 1, size: [1], stride: [1] }),
          both: tensor({ storage: twoFloats }),
          first: tensor({ storage: twoFloats, size: [], stride: [] }),
        }),
      ),
    );
    const start = found.get("both")!.begin;
    expect([...found]).toEqual([
      ["first", { dtype: "F32", shape: [], begin: start, end: start + 4 }],
      ["both", { dtype: "F32", shape: [1, 2], begin: start, end: start + 8 }],
      ["second", { dtype: "F32", shape: [1], begin: start + 4, end: start + 8 }],
    ]);
  });

  it("does not heed the stride of a dimension of size 1, nor any stride of an empty tensor", async () => {
    const found = await read(
      checkpoint(
        dict({
          one: tensor({ size: [1, 2, 1], stride: [77, 1, 0] }),
          empty: tensor({ size: [2, 0], stride: [9, 9] }),
        }),
      ),
    );
    expect(found.get("one")).toMatchObject({ shape: [1, 2, 1] });
    expect(found.get("empty")).toMatchObject({ shape: [2, 0], begin: found.get("one")!.begin });
    expect(found.get("empty")!.end).toBe(found.get("empty")!.begin);
  });

  it("reads untyped storages by the tensor's dtype", async () => {
    const untyped = storage("0", 8, global("torch.storage", "UntypedStorage"));
    const float8 = tensor({
      storage: untyped,
      size: [2, 4],
      stride: [4, 1],
      rebuild: "_rebuild_tensor_v3",
      more: [global("torch", "float8_e4m3fn")],
    });
    expect((await read(checkpoint(dict({ a: float8 })))).get("a")).toMatchObject({ dtype: "F8_E4M3", shape: [2, 4] });
  });

  it("reads a state dict under state_dict or module where it stands alone, and a name like that for a tensor", async () => {
    for (const name of ["state_dict", "module"]) {
      const inner = dict({ a: tensor() });
      expect([...(await read(checkpoint(dict({ [name]: inner })))).keys()]).toEqual(["a"]);
      expect([...(await read(checkpoint(dict({ [name]: tensor() })))).keys()]).toEqual([name]);
      await expect(read(checkpoint(dict({ [name]: inner, epoch: [0x4b, 1] })))).rejects.toThrow(RefusedError);
      await expect(read(checkpoint(dict({ [name]: dict({ module: inner }) })))).rejects.toThrow(RefusedError);
    }
  });

  it("passes over the versions that Module.state_dict() adds", async () => {
    const versions: Piece = [...dict({ _metadata: ORDERED_DICT }), 0x62];
    const items: Piece = [...text("a"), ...tensor(), 0x73];
    expect((await read(checkpoint([...ORDERED_DICT, ...items, ...versions]))).size).toBe(1);
  });

  it("reads a file without tensors, and parameters as tensors", async () => {
    expect((await read(checkpoint(EMPTY_DICT))).size).toBe(0);
    const parameter = call("torch._utils", "_rebuild_parameter", tensor(), FALSE, ORDERED_DICT);
    expect((await read(checkpoint(dict({ a: parameter })))).size).toBe(1);
  });
});

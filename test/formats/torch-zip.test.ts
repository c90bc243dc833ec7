import { describe, expect, it } from "vitest";
import { memorySource } from "../../src/core/bytes.ts";
import { FormatError, RefusedError } from "../../src/core/errors.ts";
import { readTorch } from "../../src/formats/torch/read.ts";
import { rawSafetensors } from "../support/safetensors.ts";
import {
  checkpointFiles,
  dict,
  type Piece,
  pickled,
  rawZip,
  storage,
  tensor,
  torchGoldens,
  type ZipFile,
} from "../support/torch.ts";
import { expectRefused } from "../support/torch-refused.ts";

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

const ONE = dict({ a: tensor() });
const [pickle, data, version] = checkpointFiles(pickled(ONE)) as [ZipFile, ZipFile, ZipFile];
const good = rawZip([pickle, data, version]);
const golden = (name: string): Uint8Array =>
  torchGoldens().find((file) => file.version === "2.6" && file.name === name)!.bytes;

describe("readTorch refuses files that are no archive", () => {
  it("of PyTorch before 1.6, whatever the pickle's protocol", async () => {
    for (const name of ["old-format", "old-format-protocol-4"]) {
      await expectRefused(
        golden(name),
        RefusedError,
        "before 1.6",
        "nothing was executed",
        "safetensors.torch.save_file",
      );
    }
  });

  it("that are tar archives or bare pickles", async () => {
    const tar = new Uint8Array(1024);
    tar.set(utf8("sys_info"));
    tar.set(utf8("ustar\x0000"), 257);
    await expectRefused(tar, RefusedError, "tar archive");
    await expectRefused(pickled(ONE), RefusedError, "a bare Python pickle", "nothing was executed");
  });

  it("by what they are instead", async () => {
    await expectRefused(rawSafetensors("{}"), FormatError, "safetensors file", "suffix .safetensors");
    await expectRefused(
      utf8("version https://git-lfs.github.com/spec/v1\noid sha256:0\n"),
      FormatError,
      "git lfs pull",
    );
    await expectRefused(utf8("<!DOCTYPE html><html></html>"), FormatError, "HTML");
    await expectRefused(utf8("GGUF\x03\0\0\0"), FormatError, ".gguf");
    await expectRefused(new Uint8Array(0), FormatError, "0 bytes");
    await expectRefused(new Uint8Array(1000), FormatError, "1000 bytes", '"PK"');
  });
});

describe("readTorch refuses archives", () => {
  it("that are truncated anywhere", async () => {
    for (let length = 2; length < good.length; length++) await expectRefused(good.slice(0, length), FormatError);
  });

  it("that go on after their end", async () => {
    await expectRefused(Uint8Array.from([...good, 0]), FormatError, "no directory at its end");
  });

  it("without a data.pkl, with two, and TorchScript", async () => {
    await expectRefused(rawZip([data]), FormatError, "no data.pkl", "unpack it");
    await expectRefused(rawZip([]), FormatError, "no data.pkl");
    await expectRefused(rawZip([pickle, { ...pickle, name: "other/data.pkl" }, data]), FormatError, "2 files data.pkl");
    await expectRefused(golden("script"), RefusedError, "TorchScript");
  });

  it("with compressed or encrypted files", async () => {
    await expectRefused(
      rawZip([{ ...pickle, method: 8 }, data]),
      RefusedError,
      '"archive/data.pkl" is compressed',
      "zip -0",
    );
    await expectRefused(rawZip([pickle, { ...data, method: 8 }]), RefusedError, '"archive/data/0" is compressed');
    await expectRefused(rawZip([pickle, { ...data, flags: 1 }]), RefusedError, "is encrypted");
  });

  it("of another byte order", async () => {
    const order = (text: string): ZipFile => ({ name: "archive/byteorder", bytes: utf8(text) });
    await expectRefused(rawZip([pickle, data, order("big")]), RefusedError, 'byte order "big"');
    await expectRefused(rawZip([pickle, data, order("little".repeat(9))]), FormatError, "54 bytes");
    expect((await readTorch(memorySource("x.bin", rawZip([pickle, data, order("little")])))).size).toBe(1);
  });

  it("with more entries or a longer directory than any checkpoint, before they are read", async () => {
    await expectRefused(rawZip([pickle, data], { zip64: true, count: 2 ** 40 }), FormatError, "1099511627776 entries");
    await expectRefused(rawZip([pickle, data], { directoryBytes: 1 << 30 }), FormatError, "1073741824 bytes");
  });

  it("whose directory lies", async () => {
    const files = [pickle, data];
    await expectRefused(rawZip(files, { directoryBytes: 1 << 20 }), FormatError, "beyond its end");
    await expectRefused(rawZip(files, { directoryBegin: 3 }), FormatError, "entry 1 of 2");
    await expectRefused(rawZip(files, { count: 3 }), FormatError, "entry 3 of 3");
    await expectRefused(rawZip(files, { count: 1 }), FormatError, "longer than its entries");
    await expectRefused(rawZip(files, { zip64: true, locator: 2 ** 52 }), FormatError, "ZIP64 directory");
    await expectRefused(rawZip(files, { zip64: true, locator: 0 }), FormatError, "ZIP64 directory");
    await expectRefused(rawZip([...files, data]), FormatError, '"archive/data/0" twice');
  });

  it("whose files do not lie where the directory says", async () => {
    const broken = (change: Partial<ZipFile>) => rawZip([pickle, { ...data, ...change }, version]);
    await expectRefused(broken({ localName: "archive/data/1" }), FormatError, '"archive/data/0" does not begin');
    await expectRefused(broken({ localName: "archive/data/00" }), FormatError, '"archive/data/0" does not begin');
    await expectRefused(broken({ localMethod: 8 }), FormatError, '"archive/data/0" does not begin');
    await expectRefused(broken({ headerBegin: 1 }), FormatError, '"archive/data/0" does not begin');
    await expectRefused(broken({ headerBegin: 2 ** 31 }), FormatError, "begins beyond the files' end");
    await expectRefused(broken({ storedSize: 7 }), FormatError, "two different sizes");
  });

  it("whose storages are missing, of another size, or beyond the file", async () => {
    const of = (root: Piece, size?: number): Uint8Array => {
      const files = checkpointFiles(pickled(root));
      if (size !== undefined) files[1] = { ...files[1]!, size, storedSize: size };
      return rawZip(files);
    };
    const stored = (key: string, count: number): Piece => dict({ a: tensor({ storage: storage(key, count) }) });
    await expectRefused(of(stored("1", 2)), FormatError, 'tensor "a"', '"data/1" of 8 bytes', "no such file");
    await expectRefused(of(stored("0", 3)), FormatError, '"data/0" of 12 bytes', "that file has 8");
    await expectRefused(of(stored("0", 2 ** 52)), FormatError, "that file has 8");
    await expectRefused(of(stored("0", 2 ** 20), 2 ** 22), FormatError, "reaches beyond the files' end");
    await expectRefused(of(stored("../version", 2)), FormatError, "no such file");
  });

  it("whose storages overlap", async () => {
    // The bytes of the first storage hold the whole second one, with a header of its own.
    const second: ZipFile = { name: "archive/data/1", bytes: new Uint8Array(8) };
    const inner = rawZip([second]);
    const first: ZipFile = { name: "archive/data/0", bytes: inner };
    const root = dict({
      a: tensor({ storage: storage("0", inner.length, [0x63, ...utf8("torch\nByteStorage\n")]) }),
      b: tensor({ storage: storage("1", 2) }),
    });
    const files: ZipFile[] = [{ name: "archive/data.pkl", bytes: pickled(root) }, first];
    const begin = Buffer.from(rawZip(files)).indexOf(inner);
    const lying = rawZip([...files, { ...second, headerBegin: begin }]);
    await expectRefused(lying, FormatError, "overlap");
  });
});

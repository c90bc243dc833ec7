import type { ByteSource } from "../../core/bytes.ts";

/** Enough for the longest mark below and to recognise text. */
const HEAD_BYTES = 64;

/** The marks are long, so that no header length of a truncated file matches one: the upper bytes of those are zero. */
const FOREIGN: readonly { mark: RegExp | string; what: string }[] = [
  {
    mark: "version https://git-lfs.github.com/spec/",
    what: 'a Git LFS pointer, which stands for the weights but does not hold them; run "git lfs pull" in its repository, or download the file itself',
  },
  {
    mark: /^\s*<[!?a-z][\s -~]{6}/i,
    what: "an HTML or XML page, often a login or error page saved by a download; download the file itself",
  },
  {
    mark: "PK\x03\x04",
    what: "a zip archive, as torch.save writes it; if it is a PyTorch checkpoint, give it the suffix .bin, and if it holds a safetensors file, unpack it",
  },
  {
    mark: "\x80\x02\x8a\x0al\xfc\x9cF",
    what: "a Python pickle from an old version of torch.save; load it in PyTorch and save it with safetensors.torch.save_file",
  },
  { mark: "GGUF", what: "a GGUF file; give it the suffix .gguf" },
  { mark: /^\s*\{\s*"[\s -~]{6}/, what: "JSON text; if it is an index of shards, name it *.safetensors.index.json" },
  { mark: /^[\s -~]{8,}$/, what: "text, perhaps an error message saved by a download; download the file itself" },
];

/**
 * What a file that cannot be safetensors is instead, with the fix, to complete "it is ..."; undefined when its first bytes
 * tell nothing.
 */
export async function foreignFormat(source: ByteSource): Promise<string | undefined> {
  const head = new Uint8Array(Math.min(source.size, HEAD_BYTES));
  await source.read(0, head);
  const text = String.fromCharCode(...head);
  return FOREIGN.find(({ mark }) => (typeof mark === "string" ? text.startsWith(mark) : mark.test(text)))?.what;
}

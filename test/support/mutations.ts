import fc from "fast-check";

/** One edit; positions are taken modulo what the input has, so that every edit applies to every input and shrinks. */
type Edit<T> = (input: T) => T;

/** 1 to 3 random edits of `bytes`: bit flips, bytes set, truncation, growth, splices, and its first 8 bytes as a length. */
export function mutatedBytes(bytes: Uint8Array): fc.Arbitrary<Uint8Array> {
  return edited(bytes, byteEdit);
}

/** 1 to 3 random edits of a JSON text by its tokens: numbers, keys and values changed, members doubled, lost or swapped. */
export function mutatedJson(text: string): fc.Arbitrary<string> {
  return edited(text, jsonEdit);
}

function edited<T>(input: T, edit: fc.Arbitrary<Edit<T>>): fc.Arbitrary<T> {
  const edits = fc.array(edit, { minLength: 1, maxLength: 3 });
  return edits.map((list) => list.reduce((value, apply) => apply(value), input));
}

const position = fc.nat();

const byteEdit: fc.Arbitrary<Edit<Uint8Array>> = fc.oneof(
  fc.tuple(position, fc.nat(7)).map(([at, bit]) => setByte(at, (byte) => byte ^ (1 << bit))),
  fc.tuple(position, fc.nat(255)).map(([at, byte]) => setByte(at, () => byte)),
  position.map(
    (at): Edit<Uint8Array> =>
      (bytes) =>
        bytes.slice(0, at % (bytes.length + 1)),
  ),
  fc.uint8Array({ minLength: 1, maxLength: 32 }).map(
    (tail): Edit<Uint8Array> =>
      (bytes) =>
        joined([bytes, tail]),
  ),
  fc.tuple(position, position, position).map(([from, to, into]) => splice(from, to, into)),
  fc
    .oneof(fc.constantFrom(0n, 1n, 7n, 100_000_000n, 100_000_001n, 1n << 53n, (1n << 64n) - 1n), fc.bigInt(0n, 4096n))
    .map((length) => setLength(() => length)),
  fc.bigInt(-16n, 16n).map((change) => setLength((length) => BigInt.asUintN(64, length + change))),
);

function setByte(at: number, change: (byte: number) => number): Edit<Uint8Array> {
  return (bytes) => {
    const copy = bytes.slice();
    if (copy.length > 0) copy[at % copy.length] = change(copy[at % copy.length]!);
    return copy;
  };
}

/** The bytes between `from` and `to` are inserted at `into` once more, or lost when it lies between them. */
function splice(from: number, to: number, into: number): Edit<Uint8Array> {
  return (bytes) => {
    const ends = bytes.length + 1;
    const [low, high] = [from % ends, to % ends].sort((a, b) => a - b) as [number, number];
    const at = into % ends;
    if (at > low && at < high) return joined([bytes.slice(0, low), bytes.slice(high)]);
    return joined([bytes.slice(0, at), bytes.slice(low, high), bytes.slice(at)]);
  };
}

function setLength(change: (length: bigint) => bigint): Edit<Uint8Array> {
  return (bytes) => {
    const copy = bytes.slice();
    if (copy.length < 8) return copy;
    const view = new DataView(copy.buffer);
    view.setBigUint64(0, change(view.getBigUint64(0, true)), true);
    return copy;
  };
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

const TOKEN = /"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*|[a-z]+|\s+|./gsu;
const STRING = /^"/;
const NUMBER = /^-?\d/;
const VALUE = /^["\-\da-z]/;

const numberText = fc.oneof(
  fc.constantFrom("0", "-0", "-1", "1.5", "1e3", "4.0", "9007199254740991", "9007199254740993", "1e308", "1e999", "01"),
  fc.nat(64).map(String),
);
const valueText = fc.oneof(
  numberText,
  fc.constantFrom("null", "true", "{}", "[]", '""', '"F16"', '"I64"', '"F4"', '"F99"', '"\\ud800"', '"__proto__"'),
  fc.constantFrom("[0]", "[0,0]", "[1,2,3]", '{"a":1,"a":2}', '{"__proto__":{}}', "[".repeat(100)),
  fc.json({ maxDepth: 2 }),
);
const strayText = fc.oneof(
  fc.constantFrom(",", ":", "{", "}", "[", "]", '"', "\\", "\u0000", "\ufeff", " "),
  fc.string(),
);

const jsonEdit: fc.Arbitrary<Edit<string>> = fc.oneof(
  fc.tuple(position, numberText).map(([at, text]) => replaceToken(NUMBER, at, () => text)),
  fc
    .tuple(position, fc.constantFrom(-8, -1, 1, 8))
    .map(([at, change]) => replaceToken(NUMBER, at, (text) => String(Number(text) + change))),
  fc.tuple(position, valueText).map(([at, text]) => replaceToken(VALUE, at, () => text)),
  fc.tuple(position, fc.string()).map(([at, text]) => replaceToken(STRING, at, () => JSON.stringify(text))),
  fc.tuple(position, position).map(([at, other]) => copyToken(VALUE, at, other)),
  position.map((at) => replaceToken(/./s, at, () => "")),
  fc.tuple(position, strayText).map(([at, text]) => replaceToken(/./s, at, (token) => text + token)),
  fc
    .tuple(position, fc.constantFrom("double", "drop", "null") as fc.Arbitrary<MemberEdit>)
    .map(([at, kind]) => editMember(at, kind)),
);

function tokensOf(text: string): string[] {
  return text.match(TOKEN) ?? [];
}

function indices(tokens: readonly string[], kind: RegExp): number[] {
  return tokens.flatMap((token, i) => (kind.test(token) ? [i] : []));
}

function replaceToken(kind: RegExp, at: number, change: (token: string) => string): Edit<string> {
  return (text) => {
    const tokens = tokensOf(text);
    const found = indices(tokens, kind);
    if (found.length === 0) return text;
    const i = found[at % found.length]!;
    tokens[i] = change(tokens[i]!);
    return tokens.join("");
  };
}

function copyToken(kind: RegExp, at: number, other: number): Edit<string> {
  return (text) => {
    const tokens = tokensOf(text);
    const found = indices(tokens, kind);
    if (found.length === 0) return text;
    tokens[found[at % found.length]!] = tokens[found[other % found.length]!]!;
    return tokens.join("");
  };
}

type MemberEdit = "double" | "drop" | "null";

/** Doubles or drops a `"key": value` with its comma, or doubles its key with the value null. */
function editMember(at: number, kind: MemberEdit): Edit<string> {
  return (text) => {
    const tokens = tokensOf(text);
    const keys = indices(tokens, STRING).filter((i) => tokens[i + 1] === ":");
    if (keys.length === 0) return text;
    const key = keys[at % keys.length]!;
    const end = memberEnd(tokens, key);
    const member = tokens.slice(key, end);
    if (kind === "double") tokens.splice(key, 0, ...member, ",");
    if (kind === "null") tokens.splice(key, 0, tokens[key]!, ":null,");
    if (kind === "drop") tokens.splice(key, member.length + (tokens[end] === "," ? 1 : 0));
    return tokens.join("");
  };
}

/** Index after the value of the member whose key is token `key`. */
function memberEnd(tokens: readonly string[], key: number): number {
  let depth = 0;
  for (let i = key; i < tokens.length; i++) {
    const token = tokens[i]!;
    if (depth === 0 && (token === "," || token === "}")) return i;
    if (token === "{" || token === "[") depth++;
    if (token === "}" || token === "]") depth--;
  }
  return tokens.length;
}

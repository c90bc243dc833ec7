import { FormatError } from "../core/errors.ts";

/** What parseStrictJson returns. */
export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject;

/** A JSON object without a prototype: every key is the file's own, `__proto__` and `constructor` included. */
export interface JsonObject {
  readonly [key: string]: JsonValue;
}

/** Headers and configs nest 3 or 4 deep; the cap keeps hostile nesting away from the call stack. */
const MAX_DEPTH = 64;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const SPACE = 0x20;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const LONE_SURROGATE = /\p{Surrogate}/u;

/**
 * Parse JSON (RFC 8259) like JSON.parse, but refuse what it accepts: a key that occurs twice in one object (it keeps the
 * last), nesting deeper than 64, numbers beyond f64 (it returns Infinity) and escapes of half a surrogate pair (UTF-8
 * cannot store them).
 * @param where what messages call the text, such as "a.safetensors: header".
 * @param say the sentence about a mistake; by default with `where`, line and column
 * @throws FormatError in that sentence
 */
export function parseStrictJson(
  text: string,
  where: string,
  say: (mistake: JsonMistake) => string = ({ line, column, problem, fix }) =>
    `${where}, line ${line}, column ${column}: ${problem}; ${fix}.`,
): JsonValue {
  return new Parser(text, say).document();
}

/** Where JSON is wrong and how, as parts of a sentence. */
export interface JsonMistake {
  readonly line: number;
  readonly column: number;
  readonly problem: string;
  readonly fix: string;
}

/** Whether a parsed value is an object (and neither an array nor null). */
export function isJsonObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A parsed value as messages show it: scalars and flat arrays as written, the rest by kind, never long. */
export function showJson(value: JsonValue | undefined): string {
  if (value === undefined) return "nothing";
  if (typeof value === "string") return JSON.stringify(value.length > 120 ? `${value.slice(0, 117)}...` : value);
  if (isJsonObject(value)) return "an object";
  if (!Array.isArray(value)) return String(value);
  const flat = value.length <= 8 && value.every((item) => typeof item !== "object" || item === null);
  return flat ? `[${value.map(showJson).join(", ")}]` : `an array of ${value.length}`;
}

class Parser {
  private readonly text: string;
  private readonly say: (mistake: JsonMistake) => string;
  private at = 0;

  constructor(text: string, say: (mistake: JsonMistake) => string) {
    this.text = text;
    this.say = say;
  }

  document(): JsonValue {
    const value = this.value(0);
    if (this.next() !== "") this.expected("the end of the text");
    return value;
  }

  private value(depth: number): JsonValue {
    if (depth > MAX_DEPTH) this.fail(`values nested deeper than ${MAX_DEPTH}`, "flatten it");
    switch (this.next()) {
      case "{":
        return this.object(depth);
      case "[":
        return this.array(depth);
      case '"':
        return this.string();
      case "t":
        return this.word("true", true);
      case "f":
        return this.word("false", false);
      case "n":
        return this.word("null", null);
      default:
        return this.number();
    }
  }

  private object(depth: number): JsonObject {
    const object: { [key: string]: JsonValue } = Object.create(null);
    this.at++;
    if (this.took("}")) return object;
    do {
      if (this.next() !== '"') this.expected("a key in double quotes");
      const start = this.at;
      const key = this.string();
      if (key in object) {
        this.at = start;
        this.fail(`the key ${showJson(key)} occurs twice in one object`, "keep only one of the two");
      }
      if (!this.took(":")) this.expected('":"');
      object[key] = this.value(depth + 1);
    } while (this.took(","));
    if (!this.took("}")) this.expected('"," or "}"');
    return object;
  }

  private array(depth: number): JsonValue[] {
    const array: JsonValue[] = [];
    this.at++;
    if (this.took("]")) return array;
    do array.push(this.value(depth + 1));
    while (this.took(","));
    if (!this.took("]")) this.expected('"," or "]"');
    return array;
  }

  private string(): string {
    const { text, at: start } = this;
    let end = start + 1;
    let escaped = false;
    for (let code = text.charCodeAt(end); code !== QUOTE; code = text.charCodeAt(end)) {
      // Past the end of the text the code is NaN, which fails this too.
      if (!(code >= SPACE)) {
        this.at = end;
        this.expected("the string's closing quote (control characters must be escaped)");
      }
      if (code === BACKSLASH) {
        escaped = true;
        end++;
      }
      end++;
    }
    this.at = end + 1;
    return escaped ? this.unescape(start) : text.slice(start + 1, end);
  }

  private unescape(start: number): string {
    let string: string;
    try {
      string = JSON.parse(this.text.slice(start, this.at));
    } catch {
      this.at = start;
      this.fail("a string with an escape that JSON does not have", 'write a backslash as "\\\\"');
    }
    if (LONE_SURROGATE.test(string)) {
      this.at = start;
      this.fail("a string with half of a surrogate pair, which is not a character", "write the whole pair");
    }
    return string;
  }

  private number(): number {
    NUMBER.lastIndex = this.at;
    const digits = NUMBER.exec(this.text)?.[0] ?? this.expected("a value");
    const number = Number(digits);
    if (!Number.isFinite(number)) this.fail("a number too large for a double", "write a smaller one");
    this.at += digits.length;
    return number;
  }

  private word<T>(word: string, value: T): T {
    if (!this.text.startsWith(word, this.at)) this.expected(word);
    this.at += word.length;
    return value;
  }

  /** Moves to the next character that is not white space and returns it, or "" at the end. */
  private next(): string {
    const { text } = this;
    let at = this.at;
    for (;;) {
      const code = text.charCodeAt(at);
      if (code !== SPACE && code !== 0x0a && code !== 0x0d && code !== 0x09) break;
      at++;
    }
    this.at = at;
    return text.charAt(at);
  }

  private took(character: string): boolean {
    if (this.next() !== character) return false;
    this.at++;
    return true;
  }

  private expected(what: string): never {
    const code = this.text.codePointAt(this.at);
    const found = code === undefined ? "the text ends" : `found ${JSON.stringify(String.fromCodePoint(code))}`;
    this.fail(`expected ${what}, but ${found}`, "correct the JSON, or download the file again");
  }

  private fail(problem: string, fix: string): never {
    let line = 1;
    let start = 0;
    for (let end = this.text.indexOf("\n"); end >= 0 && end < this.at; end = this.text.indexOf("\n", start)) {
      line++;
      start = end + 1;
    }
    const column = this.at - start + 1;
    throw new FormatError(this.say({ line, column, problem, fix }));
  }
}

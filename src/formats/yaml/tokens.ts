import type { CST, LineCounter } from "yaml";

/** A recipe with weights for 20 adapters in a thousand modules takes 100 kB; the worst text of this length takes some seconds. */
export const MAX_YAML_LENGTH: number = 1 << 18;
/** Recipes nest 6 deep; the composer and everything that reads its nodes recurse once per level. */
export const MAX_YAML_DEPTH = 64;

/** Stops reading with an error at an offset of the text. */
export type FailAt = (offset: number, why: string) => never;

/**
 * The tokens of a YAML stream of at most one document, checked before anything is composed: too deep nesting, and lists, maps and
 * aliases as keys, stop the reading here. The package yaml writes a collection that is a key as text, once for each level around it,
 * so 57 bytes of `? ? ?` take half a minute.
 *
 * @param lines collects where lines begin
 */
export function checkedTokens(
  { Lexer, Parser }: typeof import("yaml"),
  text: string,
  lines: LineCounter,
  fail: FailAt,
): CST.Token[] {
  if (text.length > MAX_YAML_LENGTH) {
    fail(0, `the YAML is longer than ${MAX_YAML_LENGTH} characters, which no recipe needs; is it the right file?`);
  }
  const parser = new Parser(lines.addNewLine);
  const tokens: CST.Token[] = [];
  lines.addNewLine(0);
  for (const lexeme of new Lexer().lex(text)) {
    for (const token of parser.next(lexeme)) tokens.push(checked(token, fail));
    // The two others are the document below and the scalar on top.
    if (parser.stack.length > MAX_YAML_DEPTH + 2) {
      fail(parser.offset, `lists and maps are nested deeper than ${MAX_YAML_DEPTH} here; flatten them`);
    }
  }
  for (const token of parser.end()) tokens.push(checked(token, fail));
  let documents = 0;
  for (const token of tokens) {
    if (token.type !== "document") continue;
    documents += 1;
    if (documents > 1) fail(token.offset, "only one document is allowed; remove what follows ---");
    checkKeys(token.value, fail);
  }
  return tokens;
}

/** Check a token of the stream. There may be as many as characters, so the first wrong one stops the reading. */
function checked(token: CST.Token, fail: FailAt): CST.Token {
  if (token.type === "error") fail(token.offset, `${token.message}; correct the YAML`);
  if (token.type === "directive" && /^%YAML\s+(?!1\.2\b)/.test(token.source)) {
    fail(token.offset, "only YAML 1.2 is read; remove this line");
  }
  return token;
}

/** Refuse keys that are not scalars. */
function checkKeys(token: CST.Token | null | undefined, fail: FailAt): void {
  if (token === null || token === undefined || !("items" in token)) return;
  for (const { key, value } of token.items) {
    if (key?.type === "alias") fail(key.offset, "an alias cannot be a key here; write the key out");
    if (key !== null && key !== undefined && "items" in key) {
      fail(
        key.offset,
        "a list or a map cannot be a key here; write a word before the colon, or put the text in quotes",
      );
    }
    checkKeys(value, fail);
  }
}

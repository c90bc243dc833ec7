import type { CST, LineCounter } from "yaml";

/** Recipes of 20 adapters with weights of their own in a thousand modules take 100 kB; the worst of this length take some seconds. */
export const MAX_YAML_LENGTH: number = 1 << 18;
/** Recipes nest 6 deep; the composer calls itself once a level, and so does all that reads its nodes. */
export const MAX_YAML_DEPTH = 64;

/** Ends the reading with an error at an offset of the text. */
export type FailAt = (offset: number, why: string) => never;

/**
 * The tokens of a YAML stream of at most one document, looked at before anything is made of them: what is nested too deep, and lists, maps
 * and aliases that stand as keys, end the reading here. The package yaml writes out a collection that is a key as text, once for each level
 * around it, so that 57 bytes of `? ? ?` take half a minute.
 *
 * @param lines is told where lines begin
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
    // Below the document, and the scalar on top.
    if (parser.stack.length > MAX_YAML_DEPTH + 2) {
      fail(parser.offset, `lists and maps are nested deeper than ${MAX_YAML_DEPTH} here; flatten them`);
    }
  }
  for (const token of parser.end()) tokens.push(checked(token, fail));
  let documents = 0;
  for (const token of tokens) {
    if (token.type !== "document") continue;
    documents += 1;
    if (documents > 1) fail(token.offset, "there must be one document only; remove what follows ---");
    checkKeys(token.value, fail);
  }
  return tokens;
}

/** A token of the stream itself, of which there may be as many as characters: the first one that is wrong ends the reading. */
function checked(token: CST.Token, fail: FailAt): CST.Token {
  if (token.type === "error") fail(token.offset, `${token.message}; correct the YAML`);
  if (token.type === "directive" && /^%YAML\s+(?!1\.2\b)/.test(token.source)) {
    fail(token.offset, "only YAML 1.2 is read; remove this line");
  }
  return token;
}

/** Refuse every key that is more than a word. */
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

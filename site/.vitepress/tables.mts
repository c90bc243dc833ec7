import type { MarkdownRenderer } from "vitepress";

/** Heads of columns without a name become plain cells: an empty head tells a screen reader nothing. */
export function emptyHeads(markdown: MarkdownRenderer): void {
  markdown.core.ruler.push("empty-heads", ({ tokens }) => {
    for (const [i, token] of tokens.entries()) {
      if (token.type !== "th_open" || tokens[i + 1]!.content !== "") continue;
      for (const part of [token, tokens[i + 2]!]) part.tag = "td";
    }
  });
}

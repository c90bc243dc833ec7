/** Anchors of Markdown headings, and the glossary as a page. */
import { Marked } from "marked";

/** The anchor that GitHub gives a heading: lower case, hyphens for spaces, without punctuation. */
export function anchorOf(heading) {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, "")
    .trim()
    .replace(/\s/g, "-");
}

/**
 * docs/glossary.md as an HTML page. Links within the page stay. Links to other documents become text, because those are not served with it.
 *
 * @param style address of the style sheet
 */
export function glossaryPage(markdown, style) {
  const renderer = {
    heading({ tokens, depth }) {
      const text = this.parser.parseInline(tokens);
      return `<h${depth} id="${anchorOf(text)}">${text}</h${depth}>\n`;
    },
    link({ href, tokens }) {
      const text = this.parser.parseInline(tokens);
      return href.startsWith("#") ? `<a href="${href}">${text}</a>` : text;
    },
  };
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <meta name="color-scheme" content="light dark" />
    <title>Glossary - lora-lego explorer</title>
    <link rel="icon" href="./icon.svg" type="image/svg+xml" />
    <link rel="stylesheet" href="${style}" />
  </head>
  <body>
    <main class="prose">
${new Marked({ renderer }).parse(markdown)}
    </main>
  </body>
</html>
`;
}

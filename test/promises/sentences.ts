/**
 * The sentences of a Markdown document, or of one section of it, each on one line: paragraphs and list items, without headings, code blocks,
 * images, tables and the bold labels of list items.
 *
 * @param heading of the section, without its marks; null for the whole document
 */
export function sentencesOf(markdown: string, heading: string | null): string[] {
  const text = heading === null ? markdown : section(markdown, heading);
  const blocks = text
    .replace(/^```[\s\S]*?^```$/gm, "")
    .split(/\n\s*\n|\n(?=\s*- )|\n(?=#)/)
    .map((block) => block.replace(/\s+/g, " ").trim())
    .filter((block) => block !== "" && !/^(#|!\[|\|)/.test(block));
  return blocks.flatMap((block) =>
    block.replace(/^- (?:\*\*[^*]+\.\*\* )?/, "").split(/(?<=[.?!][)*]*) (?=[A-Z0-9`*[(])/),
  );
}

function section(markdown: string, heading: string): string {
  const begin = new RegExp(`^(#+) ${heading}$`, "m").exec(markdown);
  if (begin === null) throw new Error(`There is no section ${heading}.`);
  const rest = markdown.slice(begin.index + begin[0].length);
  const end = new RegExp(`^#{1,${begin[1]!.length}} `, "m").exec(rest);
  return rest.slice(0, end?.index);
}

import { existsSync, statSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import type { MarkdownRenderer } from "vitepress";

/**
 * What becomes of links between files of the repository: a folder's is its README's, or plain text without one, and files that are no
 * pages are noted.
 */
export function linkRules(root: string) {
  const files = new Set<string>();
  const use = (markdown: MarkdownRenderer): void => {
    markdown.core.ruler.push("repository-links", ({ tokens, env }) => {
      for (const { children } of tokens) {
        for (const [i, token] of (children ?? []).entries()) {
          const href = token.type === "link_open" ? token.attrGet("href") : null;
          if (href === null || /^(?:[a-z]+:|#|\/)/.test(href)) continue;
          const target = join(dirname(env.path), href.split("#")[0]!);
          if (!existsSync(target) || target.endsWith(".md")) continue;
          if (!statSync(target).isDirectory()) files.add(relative(root, target));
          else if (existsSync(join(target, "README.md"))) token.attrSet("href", `${href.replace(/\/$/, "")}/README.md`);
          else {
            const close = children!.slice(i).find(({ type }) => type === "link_close")!;
            for (const part of [token, close]) part.tag = "span";
            token.type = "text_open";
            token.attrs = null;
          }
        }
      }
    });
  };
  return { files, use };
}

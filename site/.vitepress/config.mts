import { cpSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitepress";
import { linkRules } from "./links.mts";
import { emptyHeads } from "./tables.mts";

const root = fileURLToPath(new URL("../..", import.meta.url));

const links = linkRules(root);
const page = (path: string, text: string) => ({ text, link: `/${path.replace(/\.md$/, "")}` });
/** The pages of a folder by their names. */
const pagesOf = (folder: string) =>
  readdirSync(join(root, folder))
    .filter((file) => file.endsWith(".md") && file !== "README.md")
    .sort()
    .map((file) => page(`${folder}/${file}`, file.replace(/\.md$/, "")));

/** The documents of the repository as they stand, at the paths that they have there; the reference of the library is made by typedoc. */
export default defineConfig({
  title: "lora-lego",
  head: [["link", { rel: "icon", href: "/explorer/icon.svg" }]],
  description: "Merge LoRA adapters without the base model, Python or a GPU",
  lang: "en",
  srcDir: "..",
  outDir: "../build/site",
  cacheDir: "../build/site-cache",
  srcExclude: [
    "{node_modules,dist,src,test,web,bench,site,.ci}/**",
    "build/!(api)/**",
    "examples/{adapters,minibench}/*/**",
    "tools/{consumers,evidence,examples,package}/**",
    "tools/minibench/large.md",
    "**/node_modules/**",
  ],
  rewrites: (id) => id.replace(/^build\/api\//, "api/").replace(/(^|\/)README\.md$/, "$1index.md"),
  cleanUrls: false,
  appearance: true,
  markdown: {
    html: false,
    config: (markdown) => markdown.use(links.use).use(emptyHeads),
    theme: { light: "github-light-high-contrast", dark: "github-dark-high-contrast" },
  },
  themeConfig: {
    nav: [
      { text: "Guide", link: "/docs/start" },
      { text: "Methods", link: "/docs/methods/" },
      { text: "Evidence", link: "/docs/evidence" },
      { text: "Library", link: "/api/" },
      { text: "Explorer", link: "/explorer/index.html", target: "_self" },
    ],
    sidebar: {
      "/api/": [{ text: "Library", items: [page("api/index.md", "All entry points")] }],
      "/": [
        {
          text: "Guide",
          items: [
            page("index.md", "What it does"),
            page("docs/start.md", "Start"),
            page("docs/commands.md", "Every command"),
            page("docs/audit.md", "Audit a set"),
            page("docs/recipe.md", "Recipes"),
            page("docs/compare.md", "Compare"),
            page("docs/eval.md", "Eval"),
            page("docs/bench.md", "Benchmarks"),
            page("docs/tune.md", "Tune"),
            page("docs/distributed.md", "Many machines"),
            page("docs/fuse.md", "Fuse and extract"),
            page("docs/hub.md", "The Hub"),
            page("docs/addresses.md", "Addresses"),
            page("docs/explorer.md", "The explorer"),
            page("docs/javascript.md", "JavaScript"),
            page("docs/promises.md", "What to rely on"),
            page("docs/glossary.md", "Glossary"),
          ],
        },
        { text: "Choosing", items: [page("docs/scale.md", "The factor"), page("docs/budget.md", "A budget of ranks")] },
        { text: "Methods", link: "/docs/methods/", collapsed: true, items: pagesOf("docs/methods") },
        { text: "Formats", collapsed: true, items: pagesOf("docs/formats") },
        {
          text: "Evidence",
          items: [
            page("docs/evidence.md", "Small models"),
            page("docs/evidence-large.md", "A larger one"),
            page("docs/evidence-real.md", "A pretrained one"),
            page("docs/speed.md", "Speed"),
          ],
        },
        {
          text: "Development",
          collapsed: true,
          items: [
            page("docs/architecture.md", "Architecture"),
            page("docs/adding-parts.md", "Adding parts"),
            page("docs/report.md", "The report"),
            page("docs/releasing.md", "Releasing"),
            page("CONTRIBUTING.md", "Contributing"),
            page("CHANGELOG.md", "Changes"),
          ],
        },
      ],
    },
    outline: [2, 3],
    search: { provider: "local" },
  },
  ignoreDeadLinks: [/\/explorer\/index/],
  buildEnd({ outDir }) {
    for (const file of links.files) cpSync(join(root, file), join(outDir, file));
    cpSync(join(root, "dist/web"), join(outDir, "explorer"), { recursive: true });
  },
});

import { defineConfig } from "vite";

/** What begins at once is one file: what later parts share with it would else be split into many, which compress less well. */
const begin = { codeSplitting: { groups: [{ name: "begin", tags: ["$initial" as const] }] } };

export default defineConfig({
  root: import.meta.dirname,
  base: "./",
  build: { outDir: "../dist/web", emptyOutDir: true, target: "es2022", chunkSizeWarningLimit: 700 },
  worker: { format: "es", rolldownOptions: { output: begin } },
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
});

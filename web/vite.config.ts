import { defineConfig } from "vite";

/** What begins at once is one file: what later parts share with it would else be split into many, which compress less well. */
const begin = { codeSplitting: { groups: [{ name: "begin", tags: ["$initial" as const] }] } };
/** A dynamic import keeps a cycle of types apart in the sources; here it costs nothing. */
const checks = { ineffectiveDynamicImport: false };

export default defineConfig({
  root: import.meta.dirname,
  base: "./",
  build: {
    outDir: "../dist/web",
    emptyOutDir: true,
    target: "es2022",
    chunkSizeWarningLimit: 700,
    rolldownOptions: { checks },
  },
  worker: { format: "es", rolldownOptions: { output: begin, checks } },
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
});

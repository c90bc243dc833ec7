import { playwright } from "@vitest/browser-playwright";
import { defineConfig, type ViteUserConfig } from "vitest/config";
import { CHROMIUM, CHROMIUM_ARGS } from "./test/support/chromium.ts";

const PAGE_IMPORTS = [
  "preact",
  "preact/compat",
  "preact/hooks",
  "preact/jsx-dev-runtime",
  "@preact/signals",
  "comlink",
  "umap-js",
  "yaml",
  "zod",
];

/**
 * Unit tests that have a process each: those that replace a module or leave it changed, and those of the page's state, which modules hold.
 * The others share two processes, which read each file of src once.
 */
const ALONE = ["test/**/*.alone.test.ts", "test/state/**/*.test.ts"];

/** How long tests wait for what a browser will show; its machine may be busy with the next test. */
const OF_BROWSERS = { poll: { timeout: 30_000 } };

const config: ViteUserConfig = defineConfig({
  test: {
    maxWorkers: 2,
    projects: [
      {
        test: {
          name: "unit",
          include: ["test/**/*.test.ts"],
          exclude: ["test/{slow,page,site}/**", ...ALONE],
          testTimeout: 60_000,
          isolate: false,
        },
      },
      { test: { name: "alone", include: ALONE, testTimeout: 60_000 } },
      { test: { name: "site", include: ["test/site/**/*.test.ts"], testTimeout: 120_000, expect: OF_BROWSERS } },
      { test: { name: "page", include: ["test/page/**/*.test.ts"], testTimeout: 120_000, expect: OF_BROWSERS } },
      {
        oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
        // All that the page imports by name: what is found only while tests run would reload them.
        optimizeDeps: { noDiscovery: true, include: PAGE_IMPORTS },
        test: {
          name: "views",
          include: ["test/views/**/*.test.tsx"],
          expect: OF_BROWSERS,
          browser: {
            enabled: true,
            headless: true,
            screenshotFailures: false,
            provider: playwright({ launchOptions: { executablePath: CHROMIUM, args: [...CHROMIUM_ARGS] } }),
            instances: [{ browser: "chromium" }],
          },
        },
      },
      { test: { name: "slow", include: ["test/slow/**/*.test.ts"], testTimeout: 900_000 } },
    ],
  },
});
export default config;

import { defineConfig, type ViteUserConfig } from "vitest/config";

const config: ViteUserConfig = defineConfig({
  test: {
    maxWorkers: 2,
    projects: [
      {
        test: {
          name: "unit",
          include: ["test/**/*.test.ts"],
          exclude: ["test/slow/**", "test/page/**"],
          testTimeout: 60_000,
        },
      },
      { test: { name: "page", include: ["test/page/**/*.test.ts"], testTimeout: 120_000 } },
      { test: { name: "slow", include: ["test/slow/**/*.test.ts"], testTimeout: 900_000 } },
    ],
  },
});
export default config;

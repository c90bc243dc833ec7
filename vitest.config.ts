import { defineConfig, type ViteUserConfig } from "vitest/config";

const config: ViteUserConfig = defineConfig({
  test: {
    maxWorkers: 2,
    projects: [
      { test: { name: "unit", include: ["test/**/*.test.ts"], exclude: ["test/slow/**"], testTimeout: 60_000 } },
      { test: { name: "slow", include: ["test/slow/**/*.test.ts"], testTimeout: 900_000 } },
    ],
  },
});
export default config;

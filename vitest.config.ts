import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 240_000,
    hookTimeout: 120_000,
    // Tests start connectors as processes: more workers than this only make them wait for each other.
    maxWorkers: 2,
  },
});

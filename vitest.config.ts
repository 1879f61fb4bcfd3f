import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 240_000,
    hookTimeout: 120_000,
    // Where the result decides whether a change lands, one process that starved on a busy machine should not; here, every failure counts.
    retry: process.env['CI'] ? 1 : 0,
    // Tests start connectors as processes: more workers than this only make them wait for each other.
    maxWorkers: 2,
  },
});

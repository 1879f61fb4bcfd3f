import { defineConfig } from 'vitest/config';

/** The tests with PyAirbyte: `npm run test:pyairbyte` installs it first. */
export default defineConfig({
  test: {
    include: ['test/pyairbyte/**/*.pyairbyte.ts'],
    testTimeout: 240_000,
    hookTimeout: 60_000,
    fileParallelism: false,
  },
});

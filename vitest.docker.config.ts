import { defineConfig } from 'vitest/config';

/** The tests of the images: `npm run test:docker` builds them first. */
export default defineConfig({
  test: { include: ['test/docker/**/*.docker.ts'], testTimeout: 120_000, hookTimeout: 120_000, fileParallelism: false },
});

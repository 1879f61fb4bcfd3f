import { defineConfig } from 'vitest/config';

/** `npm test` runs the first project. The others need what their npm scripts prepare first. */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'tests',
          include: ['test/**/*.test.ts'],
          testTimeout: 240_000,
          hookTimeout: 120_000,
          // Tests start connectors as processes: more workers than this only make them wait for each other.
          maxWorkers: 2,
          // Where the result decides whether a change lands, one process that starved on a busy machine should not; here, every failure counts.
          retry: process.env['CI'] ? 1 : 0,
        },
      },
      {
        // `npm run test:docker`
        test: {
          name: 'docker',
          include: ['test/docker/**/*.docker.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
      {
        // `npm run test:pyairbyte`
        test: {
          name: 'pyairbyte',
          include: ['test/pyairbyte/**/*.pyairbyte.ts'],
          testTimeout: 240_000,
          hookTimeout: 60_000,
          fileParallelism: false,
        },
      },
    ],
  },
});

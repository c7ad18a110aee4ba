import { defineConfig } from 'vitest/config';

// EMERITUS_TEST_JSON names a file for the results, which tools/test-summary.mjs adds up.
const json = process.env['EMERITUS_TEST_JSON'];

// Tiers: see CONTRIBUTING.md. `unit` needs nothing but Node; the others skip by name what they cannot find.
export default defineConfig({
  test: {
    reporters: json === undefined ? ['default'] : ['default', ['json', { outputFile: json }]],
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/unit/**/*.test.ts', 'test/board/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      { test: { name: 'cpu', include: ['test/cpu/**/*.test.ts'], testTimeout: 1_800_000, hookTimeout: 600_000 } },
      {
        test: {
          name: 'boot',
          include: ['test/boot/**/*.test.ts'],
          testTimeout: 1_200_000,
          hookTimeout: 1_200_000,
          fileParallelism: true,
          maxWorkers: 2,
          // Viewers and browsers that others wrote, under an X server of a busy machine, get a second try. What runs on
          // virtual time fails twice.
          retry: 1,
        },
      },
    ],
  },
});

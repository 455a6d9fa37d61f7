import { defineConfig } from 'vitest/config';

// Two projects: `unit` needs nothing, `integration` gets MongoDB and Redis once for the whole run.
export default defineConfig({
  test: {
    projects: [
      { test: { name: 'unit', include: ['test/unit/**/*.test.ts'], testTimeout: 20_000 } },
      {
        test: {
          name: 'integration',
          include: ['test/integration/**/*.test.ts', 'test/contracts/mongodb.test.ts'],
          globalSetup: ['test/support/services-setup.ts'],
          testTimeout: 60_000,
          hookTimeout: 120_000,
          maxWorkers: 4,
        },
      },
    ],
  },
});

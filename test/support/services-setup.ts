// Runs once before all integration tests: MongoDB and Redis for the whole run, stopped at its end.
import type { TestProject } from 'vitest/node';
import { startServices } from '../../tools/services/start-services.ts';
import { terminalReport } from '../../tools/services/terminal-report.ts';
import { assertPinnedNode } from './pinned-node.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    mongoUrl: string;
    redisUrl: string;
    mongoSource: string;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  assertPinnedNode();
  const terminal = terminalReport(process.stderr);
  try {
    const services = await startServices({ report: terminal.report });
    project.provide('mongoUrl', services.mongoUrl);
    project.provide('redisUrl', services.redisUrl);
    project.provide('mongoSource', services.found.mongo);
    return services.stop;
  } finally {
    terminal.done();
  }
}

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { findImportCycles } from '../support/architecture/cycles.ts';
import { violationsOf } from '../support/architecture/layers.ts';
import { impuritiesOf } from '../support/architecture/purity.ts';
import { readImports, type SourceFile } from '../support/architecture/source-file.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

const files: SourceFile[] = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
  .map((path) => `src/${path.replaceAll('\\', '/')}`)
  .filter((path) => path.endsWith('.ts'))
  .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }));

describe('the source code', () => {
  it('is read', () => {
    expect(files.length).toBeGreaterThan(100);
    expect(files.flatMap((file) => readImports(file)).length).toBeGreaterThan(500);
  });

  it('imports only in the direction of the layers', () => {
    expect(files.flatMap(violationsOf)).toEqual([]);
  });

  it('has no circle of files that load each other', () => {
    expect(findImportCycles(files)).toEqual([]);
  });

  it('keeps clock, chance and environment out of where they do not belong', () => {
    expect(files.flatMap(impuritiesOf)).toEqual([]);
  });
});

describe('the check itself', () => {
  const violations = (path: string, ...lines: string[]) => violationsOf({ path, text: lines.join('\n') });

  it.each([
    ['src/domain/sync/x.ts', "import { MongoClient } from 'mongodb';"],
    ['src/domain/sync/x.ts', "import type { ObjectId } from 'mongodb';"],
    ['src/domain/sync/x.ts', "import { lockOf } from '../../db/locks/lock-now.ts';"],
    ['src/domain/sync/x.ts', "import { readFile } from 'node:fs/promises';"],
    ['src/http/x.ts', "import { Queue } from 'bullmq';"],
    ['src/http/x.ts', "import type { Job } from 'bullmq';"],
    ['src/http/x.ts', "const { Queue } = await import('bullmq');"],
    ['src/http/x.ts', "import { voidLine } from '../jobs/void-line.ts';"],
    ['src/http/x.ts', "import { createProducer } from '../queues/producer.ts';"],
    ['src/http/x.ts', "export { createProducer } from '../queues/producer.ts';"],
    ['src/jobs/x.ts', "import type { Redis } from 'ioredis';"],
    ['src/jobs/x.ts', "let redis: import('ioredis').Redis;"],
    ['src/jobs/x.ts', "import { startEngine } from '../app.ts';"],
    ['src/db/x.ts', "import '../queues/producer.ts';"],
    ['src/queues/x.ts', "import { WebSocket } from 'ws';"],
    ['src/realtime/x.ts', "import cron from 'node-cron';"],
    ['src/runtime/x.ts', "import type { Config } from '../config/config.ts';"],
    ['src/config/x.ts', "import type { Role } from '../contract/wire-types.ts';"],
    ['src/device/x.ts', "import { randomUUID } from 'node:crypto';"],
    ['src/device/x.ts', "import { z } from 'zod';"],
    ['src/device/x.ts', "import { operation } from '../contract/schemas/operations.ts';"],
    ['src/app.ts', "import { main } from './main.ts';"],
    ['src/http/x.ts', "import { startServices } from '../../tools/services/start-services.ts';"],
    ['src/http/utils.ts', ''],
    ['src/http/types.ts', ''],
    ['src/http/index.ts', ''],
    ['src/helpers/x.ts', ''],
  ])('refuses in %s: %s', (path, line) => {
    expect(violations(path, line)).toHaveLength(1);
  });

  it('names the file, what it imports and why not', () => {
    expect(violations('src/http/x.ts', "import { Queue } from 'bullmq';")).toEqual([
      'src/http/x.ts imports bullmq: only src/queues may',
    ]);
    const lines = ['import {', '  type Database,', '  connectDatabase,', "} from '../../db/database.ts';"];
    expect(violations('src/domain/sync/x.ts', ...lines)).toEqual([
      'src/domain/sync/x.ts imports src/db/database.ts: domain may import contract',
    ]);
  });

  it.each([
    ['src/http/routes/x.ts', "import type { Database } from '../../db/database.ts';"],
    ['src/realtime/x.ts', "import { takeLease } from '../db/leases.ts';"],
    ['src/jobs/x.ts', "import type { JobHandlers } from '../queues/workers.ts';"],
    ['src/domain/x.ts', "import type { Role } from '../contract/wire-types.ts';"],
    ['src/device/index.ts', "export type { Role } from '../contract/wire-types.ts';"],
    ['src/queues/x.ts', "// import { a } from '../http/server.ts';"],
    ['src/queues/x.ts', " * import { a } from '../http/server.ts';"],
  ])('accepts in %s: %s', (path, line) => {
    expect(violations(path, line)).toEqual([]);
  });

  it('finds a circle, also a long one, but not among types', () => {
    const circle = (keyword: string): SourceFile[] => [
      { path: 'src/db/a.ts', text: "import { b } from './b.ts';" },
      { path: 'src/db/b.ts', text: "export { c } from './deep/c.ts';" },
      { path: 'src/db/deep/c.ts', text: `${keyword} { a } from '../a.ts';` },
    ];
    expect(findImportCycles(circle('import'))).toEqual([
      'src/db/a.ts → src/db/b.ts → src/db/deep/c.ts → src/db/a.ts',
    ]);
    expect(findImportCycles(circle('import type'))).toEqual([]);
  });

  it.each([
    ['src/domain/x.ts', 'const now = Date.now();'],
    ['src/domain/x.ts', 'const now = new Date();'],
    ['src/domain/x.ts', 'const now = new Date;'],
    ['src/domain/x.ts', 'const chance = Math.random();'],
    ['src/domain/x.ts', 'const now = Temporal.Now.instant();'],
    ['src/domain/x.ts', 'const id = randomUUID();'],
    ['src/domain/x.ts', 'export async function decide() {}'],
    ['src/http/x.ts', "const secret = process.env['JWT_SECRET'];"],
  ])('refuses in %s: %s', (path, text) => {
    expect(impuritiesOf({ path, text })).toHaveLength(1);
  });

  it.each([
    ['src/domain/x.ts', '// unlike Date.now(), which domain/ may not read'],
    ['src/domain/x.ts', '/** Never `new Date()`: time is an argument. */'],
    ['src/domain/x.ts', 'const start = new Date(0);'],
    ['src/http/x.ts', 'const now = new Date();'],
    ['src/config/config.ts', 'export const loadConfig = () => parseConfig(process.env);'],
  ])('accepts in %s: %s', (path, text) => {
    expect(impuritiesOf({ path, text })).toEqual([]);
  });
});

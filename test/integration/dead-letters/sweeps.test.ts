// A sweep's job that ends its process: set aside at the third death, then gone on with around what kills.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import type { Database } from '../../../src/db/database.ts';
import { beginCarefully, endCarefully } from '../../../src/db/dead-letters/caution.ts';
import { recordDeadJob } from '../../../src/db/dead-letters.ts';
import { guardSweeps } from '../../../src/jobs/guard-sweeps.ts';
import { redriveDeadLetter } from '../../../src/jobs/redrive-dead-letter.ts';
import { createProducer } from '../../../src/queues/producer.ts';
import { producerConnection } from '../../../src/queues/redis-connections.ts';
import { freshRedisPrefix } from '../../support/test-database.ts';
import { age, dropDatabase, lockDatabase, story, take } from '../locks/lock-database.ts';

const LETTER = 'locks/end-due-locks';
const JOB = { v: 1, type: 'end-due-locks' } as const;
const prefix = freshRedisPrefix();
let database: Database;
let producer: ReturnType<typeof createProducer>;
let child: ChildProcess | undefined;
let ringing: NodeJS.Timeout | undefined;

beforeAll(async () => {
  database = await lockDatabase();
  producer = createProducer({ redis: producerConnection(inject('redisUrl')), prefix });
  await producer.start();
});
beforeEach(() => database.deadLetters.deleteMany());
afterEach(() => {
  clearInterval(ringing);
  child?.kill('SIGKILL');
});
afterAll(async () => {
  await producer.stop();
  await dropDatabase(database);
});

function startWorker(poison: string): ChildProcess {
  child = spawn(process.execPath, ['test/support/poisoned-worker.ts'], {
    env: {
      ...process.env,
      MONGODB_URL: inject('mongoUrl'),
      MONGODB_DB: database.db.databaseName,
      REDIS_URL: inject('redisUrl'),
      QUEUE_PREFIX: prefix,
      POISON_ITEM: poison,
    },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  return child;
}

const FAILED = { id: '1', attempts: 1, payload: JOB, reason: 'no' };

const due = async (...items: string[]): Promise<void> => {
  for (const item of items) {
    await take(database, item, 'mira');
    await age(database, item, 901);
  }
};
const ended = async (item: string): Promise<boolean> => (await story(database, item)).includes('expired 1');
const alerts = async (): Promise<number> =>
  database.outbox.countDocuments({ 'event.payload.data.code': 'dead_letter' });
const redrive = () =>
  redriveDeadLetter({ database, ring: producer.ring }, LETTER, { by: 'root', via: 'http' });

describe('a lock whose end kills its process', () => {
  it('costs three deaths and one more, leaves one letter and one alert, and then no other lock', async () => {
    await due('first', 'deadly', 'last');
    ringing = setInterval(() => producer.ring(JOB).catch(() => {}), 200);
    let deaths = 0;
    let atLetter = 0;
    while (!(await ended('last'))) {
      const worker = startWorker('deadly');
      const died = once(worker, 'exit');
      const through = expect.poll(() => ended('last'), { timeout: 60_000, interval: 50 }).toBe(true);
      await Promise.race([died, through]);
      through.catch(() => {});
      if (await ended('last')) break;
      expect(worker.signalCode).toBe('SIGKILL');
      deaths += 1;
      if (!(await database.deadLetters.findOne({ _id: LETTER }))) atLetter = deaths;
    }
    expect([atLetter, deaths]).toEqual([3, 4]);
    expect([await ended('first'), await ended('deadly')]).toEqual([true, false]);
    await due('later');
    await expect.poll(() => ended('later'), { timeout: 30_000 }).toBe(true);
    expect(await database.deadLetters.find().toArray()).toMatchObject([
      {
        _id: LETTER,
        reason: 'It ended its process three times. Left out since: deadly.',
        reference: JOB,
        left_out: ['deadly'],
      },
    ]);
    expect(await alerts()).toBe(1);

    child!.kill('SIGKILL');
    startWorker('mended');
    expect(await redrive()).toMatchObject({ state: 'redriven' });
    await expect.poll(() => ended('deadly'), { timeout: 30_000 }).toBe(true);
    expect(await database.deadLetters.findOne({ _id: LETTER })).toHaveProperty('redriven_at');
  }, 180_000);
});

describe('a job that failed for good', () => {
  it.each([
    ['locks', false, []],
    ['maintenance', false, []],
    ['sync', false, []],
    ['sync', true, []],
    ['locks', true, ['locks/end-due-locks']],
    ['maintenance', true, ['maintenance/requeue-stranded-batches']],
    ['analytics', false, ['analytics/1']],
  ] as const)('of the queue %s, died: %s, leaves %j', async (queue, died, letters) => {
    await guardSweeps({ database }).setAside({ ...FAILED, queue, died });
    const left = await database.deadLetters.find().toArray();
    expect(left.map(({ _id }) => _id)).toEqual(letters);
  });
});

describe('while its letter waits', () => {
  const setAside = () => guardSweeps({ database }).setAside({ ...FAILED, queue: 'locks', died: true });
  const over = () => database.deadLetters.updateOne({ _id: LETTER }, { $set: { next_try_at: new Date(0) } });
  const pauseMs = async () => {
    const { next_try_at } = (await database.deadLetters.findOne({ _id: LETTER }))!;
    return Math.round((next_try_at!.getTime() - Date.now()) / 1_000);
  };

  it('tries one at a time, and waits longer after each try that died, an hour at most', async () => {
    await setAside();
    for (const [index, seconds] of [15, 60, 240, 960, 3_600, 3_600].entries()) {
      const states = await Promise.all([1, 2, 3].map(() => beginCarefully(database, LETTER)));
      expect(states.map(({ state }) => state).toSorted()).toEqual(['careful', 'resting', 'resting']);
      expect(Math.abs((await pauseMs()) - seconds), `try ${index}`).toBeLessThan(8);
      await over();
    }
    await beginCarefully(database, LETTER);
    await endCarefully(database, LETTER);
    expect(await beginCarefully(database, LETTER)).toEqual({ state: 'careful', leftOut: [] });
  });

  it('is told once, however often it is set aside; once it was redriven, anew', async () => {
    const before = await alerts();
    for (let times = 0; times < 3; times += 1) await setAside();
    expect(await alerts()).toBe(before + 1);
    await beginCarefully(database, LETTER);
    await redrive();
    expect(await beginCarefully(database, LETTER)).toEqual({ state: 'clear' });
    await setAside();
    expect(await alerts()).toBe(before + 2);
    expect(await beginCarefully(database, LETTER)).toEqual({ state: 'careful', leftOut: [] });
  });

  it('of another job does not hold it back', async () => {
    const payload = { v: 1, type: 'requeue-stranded-batches' };
    const id = 'requeue-stranded-batches';
    await recordDeadJob(database, { id, queue: 'maintenance', attempts: 3, payload, reason: 'no' });
    expect(await beginCarefully(database, LETTER)).toEqual({ state: 'clear' });
  });
});

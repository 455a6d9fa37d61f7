import { setTimeout as sleep } from 'node:timers/promises';
import { fillInbox } from '../../../test/support/fill-inbox.ts';
import { percentile } from '../expiring-locks.ts';
import { type OwnEngine, withOwnEngine } from '../own-engine.ts';
import type { Figure, Proof } from '../proof.ts';
import { type UploadAnswer, upload } from '../upload.ts';
import { startOf, uploadOf } from '../waiting-batches.ts';

const LIMIT = 100_000;
/** Room for the uploads of the measurement itself. */
const NEARLY = LIMIT - 5_000;
const UPLOADS = 200;
/** A count of waiting batches is good for five seconds at most. */
const NEXT_COUNT_MS = 6_000;

export const proof: Proof = {
  name: 'back-pressure',
  letters: ['S7', 'E4'],
  about: `${LIMIT} unapplied batches: new ones are refused, accepted ones pass, and nearly full costs an upload nothing`,
  // Without a worker, so that what waits goes on waiting.
  run: (context) =>
    withOwnEngine(context, 'api', async (engine) => {
      const accepted = uploadOf('accepted', [startOf(1, 'accepted')]);
      const first = await upload(engine, accepted);
      const empty = await measure(engine);
      context.report(`filling the inbox with ${NEARLY} batches`);
      await fillInbox(engine.database.db, NEARLY);
      await sleep(NEXT_COUNT_MS);
      const nearly = await measure(engine);
      await fillUp(engine);
      await sleep(NEXT_COUNT_MS);
      const refused = await many(engine);
      const again = await upload(engine, accepted);
      return figuresOf({ first, empty, nearly, refused, again });
    }),
};

/** Other ids than those that wait: the rest up to the limit and beyond. */
async function fillUp({ database }: OwnEngine): Promise<void> {
  const waiting = await database.batches.countDocuments({});
  const rows = Array.from({ length: LIMIT - waiting + 1 }, (_, n) => ({
    _id: `rest ${n}`,
    device_id: 'rest',
    seq: n,
    state: 'received' as const,
    received_at: new Date(),
  }));
  await database.db.collection<(typeof rows)[number]>('sync_batches').insertMany(rows, { ordered: false });
}

async function many(engine: OwnEngine): Promise<UploadAnswer[]> {
  const answers: UploadAnswer[] = [];
  for (let n = 0; n < UPLOADS; n += 1) {
    const batch = uploadOf(`device-${n}`, [startOf(n + 1, `session ${n}`)]);
    answers.push(await upload(engine, batch));
  }
  return answers;
}

async function measure(engine: OwnEngine): Promise<number[]> {
  const answers = await many(engine);
  const wrong = answers.find(({ status }) => status !== 202);
  if (wrong) throw new Error(`an upload was answered ${wrong.status}`);
  return answers.map(({ ms }) => ms);
}

function figuresOf(measured: {
  first: UploadAnswer;
  empty: readonly number[];
  nearly: readonly number[];
  refused: readonly UploadAnswer[];
  again: UploadAnswer;
}): Figure[] {
  const { first, empty, nearly, refused, again } = measured;
  const tenths = (value: number) => Math.round(value * 10) / 10;
  const ms = (name: string, of: readonly number[], percent: number): Figure => ({
    name: `upload with ${name}, p${percent}`,
    value: tenths(percentile(of, percent / 100)),
    unit: 'ms',
  });
  return [
    ms('none waiting', empty, 50),
    ms('none waiting', empty, 95),
    ms(`${NEARLY} waiting`, nearly, 50),
    ms(`${NEARLY} waiting`, nearly, 95),
    { name: 'p50 : p50', value: tenths(percentile(nearly, 0.5) / percentile(empty, 0.5)), unit: '' },
    {
      name: 'accepted over the limit',
      value: refused.filter(({ status }) => status !== 503).length,
      unit: 'uploads',
      atMost: 0,
    },
    {
      name: 'replay of an accepted one refused',
      value: again.status === first.status ? 0 : 1,
      unit: '',
      atMost: 0,
    },
  ];
}

// How a batch reaches the engine: sent until it is acknowledged, asked about until it is applied.
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Journal, noteTold, type SentBatch, type SentOperation, type Told } from '../journal.ts';
import type { Random } from '../random.ts';
import type { Answer, Api } from './api.ts';

export interface Delivery {
  api: Api;
  journal: Journal;
  random: Random;
  /** Ends waiting when the run is over its bound. */
  signal: AbortSignal;
}

/** A batch of these operations under a new id, noted as to be sent. */
export function newBatch(journal: Journal, operations: readonly SentOperation[]): SentBatch {
  const [{ device_id, queue_epoch }] = operations as [SentOperation];
  const batch: SentBatch = {
    batch_id: randomUUID(),
    device_id,
    queue_epoch,
    operations: [...operations],
    firstSentAt: Date.now(),
    told: [],
  };
  journal.batches.set(batch.batch_id, batch);
  return batch;
}

/**
 * Sends a batch until it is acknowledged: again with the same id after 429, 503, silence, or an answer that
 * was not waited for. Now and then twice at once.
 */
export async function deliver(delivery: Delivery, batch: SentBatch): Promise<void> {
  const { random, signal } = delivery;
  batch.firstSentAt = Date.now();
  if (random.chance(0.06)) {
    // Whether this one arrives, and whether before the next, is left to chance.
    await postOnce(delivery, batch, { limitMs: random.between(1, 40) });
  }
  for (let isFirst = true; !signal.aborted; isFirst = false) {
    const twice = isFirst && random.chance(0.06);
    const waitSeconds = random.chance(0.5) ? random.between(1, 3) : undefined;
    const answers = await Promise.all(
      Array.from({ length: twice ? 2 : 1 }, () => postOnce(delivery, batch, { waitSeconds })),
    );
    if (batch.acknowledgedAt !== undefined) return;
    const pauseMs = Math.max(0, ...answers.map(({ retryAfterMs }) => retryAfterMs ?? 0));
    await sleep(Math.min(pauseMs, 15_000) + random.between(100, 600));
  }
}

/** Sends a batch once more that was acknowledged before. */
export const repeat = (delivery: Delivery, batch: SentBatch): Promise<Answer> =>
  postOnce(delivery, batch, {});

async function postOnce(
  { api, journal }: Delivery,
  batch: SentBatch,
  how: { limitMs?: number; waitSeconds?: number | undefined },
): Promise<Answer> {
  const answer = await api({
    method: 'POST',
    path: '/api/sync/batches',
    body: {
      batch_id: batch.batch_id,
      device_id: batch.device_id,
      queue_epoch: batch.queue_epoch,
      sent_at: Date.now(),
      items: batch.operations.map(wireItem),
    },
    ...(how.waitSeconds === undefined ? {} : { headers: { prefer: `wait=${how.waitSeconds}` } }),
    ...(how.limitMs === undefined ? {} : { limitMs: how.limitMs }),
  });
  switch (answer.status) {
    case 200:
    case 207:
      noteTold(batch, answer.body as unknown as Told);
      batch.acknowledgedAt ??= Date.now();
      break;
    case 202:
      batch.acknowledgedAt ??= Date.now();
      break;
    case 0:
    case 429:
    case 503:
      break;
    default:
      journal.surprises.push(`an upload was answered ${answer.status}: ${JSON.stringify(answer.body)}`);
  }
  return answer;
}

const wireItem = ({ id, operation, session_id, payload, created_at, count }: SentOperation) => ({
  id,
  operation,
  entity_type: count ? 'count_line' : 'session',
  ...(count ? {} : { entity_id: session_id }),
  payload,
  created_at,
});

/** Asks until the batch is applied; its verdicts, or undefined when the run ended first. */
export async function verdictsOf(delivery: Delivery, batch: SentBatch): Promise<Told | undefined> {
  const { api, journal, random, signal } = delivery;
  while (!signal.aborted) {
    const last = batch.told.at(-1);
    if (last?.state === 'applied') return last;
    const answer = await api({ method: 'GET', path: `/api/sync/batches/${batch.batch_id}` });
    if (answer.status === 200) noteTold(batch, answer.body as unknown as Told);
    else if (![0, 429, 503].includes(answer.status)) {
      journal.surprises.push(`a batch that was acknowledged was answered ${answer.status}`);
      // The checker tells whether it is lost; asking on would not end.
      return undefined;
    }
    if (batch.told.at(-1)?.state !== 'applied') await sleep(random.between(150, 500));
  }
  return undefined;
}

// A phone: counts, sends in order, learns from verdicts, and repeats itself as bad networks make phones do.
import { setTimeout as sleep } from 'node:timers/promises';
import type { SentBatch, SentOperation } from '../journal.ts';
import { type Delivery, deliver, newBatch, repeat, verdictsOf } from './delivery.ts';
import type { OperationSource } from './operations.ts';

export interface DeviceRun extends Delivery {
  source: OperationSource;
  /** Operations to make. */
  quota: number;
  /** Longest pause between two batches. */
  thinkMs: number;
  /** Called once when the last operation was made and first sent. */
  onMade: () => void;
}

const MAX_OUTSTANDING = 3;
const MAX_BATCH = 50;

/** Makes and delivers the quota; resolves when each operation has a lasting verdict, or the run was ended. */
export async function runDevice(run: DeviceRun): Promise<void> {
  const { random, source, signal } = run;
  /** Made or told `retry`, to be sent. */
  const pending: SentOperation[] = [];
  const outstanding = new Set<Promise<void>>();
  const starved = new Map<string, number>();
  let made = 0;

  const settle = async (batch: SentBatch): Promise<void> => {
    const told = await verdictsOf(run, batch);
    if (!told) return;
    const retried: SentOperation[] = [];
    for (const [index, result] of told.results.entries()) {
      const operation = batch.operations[index]!;
      if (result.verdict === 'retry') retried.push(operation);
      if (result.server?.version !== undefined) source.learn(operation, result.server.version);
    }
    for (const session of new Set(retried.map(({ session_id }) => session_id))) {
      const times = (starved.get(session) ?? 0) + 1;
      starved.set(session, times);
      // Nobody started it: this phone does.
      if (times % 3 === 0) pending.unshift(source.startOf(session));
    }
    // Before or behind what was counted since.
    if (random.chance(0.5)) pending.unshift(...retried);
    else pending.push(...retried);
    if (retried.length > 0) await sleep(random.between(100, 700));
    await sendOnceMore(batch, retried.length === 0);
  };

  /** Deliveries that nobody needs: the same batch, its operations under another id, a used id. */
  const sendOnceMore = async (batch: SentBatch, isLasting: boolean): Promise<void> => {
    if (random.chance(0.06)) await repeat(run, batch);
    if (random.chance(0.08)) await sendCopy(batch.operations);
    if (isLasting && random.chance(0.04)) {
      const used = random.pick(batch.operations);
      if (!used.reused && used.count && !used.broken) await sendCopy([source.otherContent(used)]);
    }
  };
  const sendCopy = async (operations: readonly SentOperation[]): Promise<void> => {
    const copy = newBatch(run.journal, operations);
    await deliver(run, copy);
    await verdictsOf(run, copy);
  };

  while (!signal.aborted && (made < run.quota || pending.length > 0 || outstanding.size > 0)) {
    const wanted = Math.min(random.between(1, MAX_BATCH), run.quota - made);
    for (let index = 0; index < wanted; index += 1) pending.push(source.next());
    made += Math.max(0, wanted);
    if (pending.length === 0) {
      await Promise.race(outstanding);
      continue;
    }
    const batch = newBatch(run.journal, takeOneEpoch(pending));
    await deliver(run, batch);
    if (made >= run.quota) run.onMade();
    const settling = Promise.all([
      settle(batch),
      // At once, while the first may still wait for a worker.
      random.chance(0.08) ? sendCopy(batch.operations) : undefined,
    ]).then(() => {
      outstanding.delete(settling);
    });
    outstanding.add(settling);
    const mayRunAhead = random.chance(0.5) && made < run.quota;
    while (outstanding.size >= (mayRunAhead ? MAX_OUTSTANDING : 1)) await Promise.race(outstanding);
    if (random.chance(0.01)) source.reinstall();
    await sleep(random.next() * run.thinkMs);
  }
}

/** From the front: at most a batch, of one epoch, because a batch names one. */
function takeOneEpoch(pending: SentOperation[]): SentOperation[] {
  const epoch = pending[0]!.queue_epoch;
  const until = pending.findIndex(({ queue_epoch }, index) => index >= MAX_BATCH || queue_epoch !== epoch);
  return pending.splice(0, until === -1 ? pending.length : until);
}

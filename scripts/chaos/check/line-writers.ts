// Who wrote each version of each line, told from the verdicts and the resolutions alone.

import { type Case, lineKey, type OperationStory } from './deliveries.ts';
import type { Evidence } from './evidence.ts';

export interface Writer {
  version: number;
  counted_qty: number;
  device_id: string;
  queue_epoch: string;
  /** The count, unless a resolution wrote it. */
  story?: OperationStory;
  /** The device's batch of that count, and the place in it. */
  position?: { seq: number; index: number };
  baseVersion?: number;
  at: Date;
  what: string;
}

/** Every write that anybody was told of, by line. */
export function writersByLine({ evidence, stories }: Case): Map<string, Writer[]> {
  const writers = new Map<string, Writer[]>();
  const add = (key: string, writer: Writer): void => {
    const known = writers.get(key);
    if (known) known.push(writer);
    else writers.set(key, [writer]);
  };
  for (const story of stories.values()) {
    for (const writer of countsWritten(story)) add(lineOf(story), writer);
  }
  for (const conflict of evidence.conflicts) {
    const writer = resolutionWritten(conflict);
    if (writer) add(lineKey(conflict), writer);
  }
  return writers;
}

export const lineOf = ({ operation }: OperationStory): string =>
  lineKey({ session_id: operation.session_id, ...operation.count! });

/**
 * The versions that this count wrote. An `applied` count that found an equal value wrote nothing: the line
 * it was shown carries another count's person or time, which no two counts share.
 */
export function countsWritten(story: OperationStory): Writer[] {
  const { count, device_id, queue_epoch, user, key } = story.operation;
  if (!count) return [];
  return story.deliveries.flatMap(({ result, stored, batch, operation }) => {
    const { server } = result;
    if (result.verdict !== 'applied' || server?.version === undefined) return [];
    const isOwn = server.counted_by === user && Date.parse(server.counted_at ?? '') === count.at;
    if (!isOwn) return [];
    const writer: Writer = {
      version: server.version,
      counted_qty: count.counted_qty,
      device_id,
      queue_epoch,
      story,
      position: { seq: stored.seq, index: batch.operations.indexOf(operation) },
      baseVersion: count.base_version,
      at: stored.applied_at ?? stored.received_at,
      what: key,
    };
    return [writer];
  });
}

/** The version that a resolution wrote; nothing when the server's line was kept. */
function resolutionWritten(conflict: Evidence['conflicts'][number]): Writer | undefined {
  if (conflict.status !== 'resolved' || conflict.resolution === 'keep_server') return undefined;
  const step = conflict.trail.findLast((entry) => entry.step === 'resolved');
  if (!step?.local_value) return undefined;
  return {
    version: step.local_value.version,
    counted_qty: step.local_value.counted_qty,
    device_id: conflict.device_id,
    queue_epoch: conflict.queue_epoch,
    at: step.at,
    what: `the resolution of ${conflict.conflict_id}`,
  };
}

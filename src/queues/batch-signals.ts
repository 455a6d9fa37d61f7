import type { Redis } from 'ioredis';
import type { Service } from '../runtime/service.ts';

export interface BatchSignals extends Service {
  /** Tells every process that a batch is through. Never throws: who waits also looks by itself. */
  announce(batchId: string): void;
  /** Resolves when the batch is announced, or after `ms`. */
  wait(batchId: string, ms: number): Promise<void>;
}

/** Carries "batch applied" from workers to the uploads that wait for it (`Prefer: wait`). */
export function createBatchSignals(options: {
  publisher: Redis;
  subscriber: Redis;
  prefix: string;
}): BatchSignals {
  const { publisher, subscriber, prefix } = options;
  const channel = `${prefix}:batch-applied`;
  const waiting = new Map<string, Set<() => void>>();
  subscriber.on('message', (_channel, batchId) => {
    for (const wake of waiting.get(batchId) ?? []) wake();
  });
  return {
    name: 'batch-signals',
    start: async () => {
      await subscriber.subscribe(channel);
    },
    stop: async () => {
      for (const wakes of waiting.values()) for (const wake of wakes) wake();
      subscriber.disconnect();
    },
    announce: (batchId) => {
      publisher.publish(channel, batchId).catch(() => {});
    },
    wait: (batchId, ms) =>
      new Promise((resolve) => {
        const wakes = waiting.get(batchId) ?? new Set();
        waiting.set(batchId, wakes);
        const wake = (): void => {
          clearTimeout(timer);
          wakes.delete(wake);
          if (wakes.size === 0) waiting.delete(batchId);
          resolve();
        };
        const timer = setTimeout(wake, ms);
        wakes.add(wake);
      }),
  };
}

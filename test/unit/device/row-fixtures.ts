import type { OperationResult } from '../../../src/device/index.ts';
import { count, type OpenQueue, openTestQueue } from './temp-queue.ts';

export const ids = (batch: { items: { id: number }[] } | null): number[] =>
  batch?.items.map((item) => item.id) ?? [];
export const applied = (id: number, version?: number): OperationResult => ({
  id,
  verdict: 'applied',
  ...(version === undefined
    ? {}
    : { server: { version, counted_by: 'ann', counted_at: '2025-10-09T08:00:00Z' } }),
});
export const retry = (id: number): OperationResult => ({ id, verdict: 'retry', code: 'session_unknown' });

export async function withRows(n: number, user = 'ann'): Promise<OpenQueue> {
  const opened = await openTestQueue();
  for (let i = 1; i <= n; i++) await opened.queue.enqueue(count(`s${i}`, 'A'), user);
  return opened;
}

import { expect } from 'vitest';
import type { World } from './world.ts';

const BOOK = ['erp_qty', 'erp_qty_source', 'variance', 'variance_value'];
const READER = 'ana';

/** What staff read: in a BLIND session no book, no variance and no count of somebody else (contract 4). */
export async function readAsStaff({ engine, truth, deliveries }: World): Promise<void> {
  const read = async (url: string) => (await engine.call('GET', url, { who: READER, role: 'staff' })).body;
  const isBlind = (session: string | undefined) => truth.sessions.get(session ?? '')?.type === 'BLIND';
  for (const { session } of truth.sessions.values()) {
    const { lines } = await read(`/api/sessions/${session}/lines`);
    for (const line of lines as Record<string, unknown>[]) {
      const hides = isBlind(session) && line['counted_by'] !== READER;
      const shown = [...BOOK, 'counted_qty'].filter((name) => name in line);
      const allowed = [...(isBlind(session) ? [] : BOOK), ...(hides ? [] : ['counted_qty'])];
      expect(shown, `a line of ${session}`).toEqual(allowed);
    }
  }
  for (const { batchId, user, rows } of deliveries.filter((one) => one.user === READER && one.applied)) {
    const { results } = await read(`/api/sync/batches/${batchId}`);
    for (const [index, { server }] of (results as { server?: Record<string, unknown> }[]).entries()) {
      if (server?.['version'] === undefined) continue;
      const hides = isBlind(rows[index]!.op.session) && server['counted_by'] !== user;
      expect('counted_qty' in server, `result ${index} of ${batchId}`).toBe(!hides);
    }
  }
}

// A phone of the warehouse: the real device queue in an SQLite file, and the real uploader.
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createUploader, openSyncQueue, type SyncQueue, type SyncReport } from '../../src/device/index.ts';
import { openNodeSqlite } from '../../src/device-node/node-sqlite.ts';
import type { Network } from './network.ts';
import { WAREHOUSE } from './warehouse.ts';

export interface Phone {
  name: string;
  user: string;
  queue: SyncQueue;
  network: Network;
  start(sessionId: string, startedAt: Date): Promise<number>;
  count(sessionId: string, itemCode: string, quantity: number, countedAt: Date): Promise<number>;
  complete(sessionId: string, completedAt: Date): Promise<number>;
  /** Everything that can go now goes. */
  sync(): Promise<SyncReport>;
  /** As `sync`, once the rows that the engine could not take yet are due again. */
  syncWhenDue(): Promise<SyncReport>;
  close(): Promise<void>;
}

export interface PhoneOptions {
  name: string;
  user: string;
  token: string;
  folder: string;
  url: string;
  network: Network;
}

type SessionPayload = { session_id: string; [field: string]: string };

export async function openPhone(options: PhoneOptions): Promise<Phone> {
  const { name, user, token, folder, url, network } = options;
  const file = openNodeSqlite(join(folder, `${name}.db`));
  const queue = await openSyncQueue(file, { deviceId: name });
  const uploader = createUploader({ queue, url, user, token: () => token, fetch: network.fetch });
  const session = (operation: 'session_start' | 'session_complete', payload: SessionPayload) =>
    queue.enqueue({ operation, entity_type: 'session', entity_id: payload.session_id, payload }, user);

  return {
    name,
    user,
    queue,
    network,
    start: (session_id, startedAt) =>
      session('session_start', { session_id, warehouse: WAREHOUSE, started_at: startedAt.toISOString() }),
    count: (session_id, item_code, counted_qty, countedAt) =>
      queue.enqueue(
        {
          operation: 'count_update',
          entity_type: 'count_line',
          payload: { session_id, item_code, counted_qty, counted_at: countedAt.toISOString() },
        },
        user,
      ),
    complete: (session_id, completedAt) =>
      session('session_complete', { session_id, completed_at: completedAt.toISOString() }),
    sync: uploader.syncOnce,
    syncWhenDue: async () => {
      const waiting = await queue.list({ status: 'failed' });
      const dueAt = Math.max(0, ...waiting.map((row) => row.retry_at ?? 0));
      await sleep(Math.max(0, dueAt - Date.now()));
      return uploader.syncOnce();
    },
    close: async () => {
      await uploader.stop();
      await queue.close();
      file.close();
    },
  };
}

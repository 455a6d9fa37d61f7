import { randomUUID } from 'node:crypto';
import { ObjectId } from 'mongodb';
import { expect } from 'vitest';
import type { OperationResult } from '../../../../src/contract/wire-types.ts';
import { findBatchView, storeBatch } from '../../../../src/db/sync/sync-batches.ts';
import { batchContentHash } from '../../../../src/domain/sync/identity.ts';
import { inbox } from '../../../unit/sync/fixtures.ts';
import type { SyncEngine } from '../sync-engine.ts';
import { onTheWire, Phone } from './phone.ts';
import { MAX_AGE_DAYS, type Said, Truth } from './truth.ts';
import { deliver, type Row } from './uploads.ts';

export interface Delivery {
  batchId: string;
  phone: Phone;
  epoch: string;
  user: string;
  rows: Row[];
  dressed: boolean;
  sentAt: Date;
  /** Whether the device hears the verdicts. */
  heard: boolean;
  applied: boolean;
}

let worlds = 0;

/** One run: phones, sessions and items of its own in the shared database, and the truth about them. */
export class World {
  readonly engine: SyncEngine;
  readonly truth = new Truth();
  readonly phones: readonly Phone[];
  readonly sessions: readonly string[];
  readonly items: readonly string[];
  readonly deliveries: Delivery[] = [];
  /** Conflict ids by the model's index. */
  readonly conflictIds: string[] = [];
  /** Verdicts and codes given, replays too. */
  readonly given: string[] = [];
  /** Outbox rows of this run have a greater id. */
  readonly startedAt = new ObjectId();

  constructor(engine: SyncEngine) {
    worlds += 1;
    const own = (name: string) => `${name}-${worlds}`;
    this.engine = engine;
    this.phones = ['ada', 'bea', 'cem'].map((name) => new Phone(own(name)));
    this.sessions = ['hall', 'yard'].map(own);
    this.items = ['bolt', 'nut'].map(own);
  }

  async send(delivery: Omit<Delivery, 'batchId' | 'applied'>): Promise<Delivery> {
    const sent = { ...delivery, batchId: randomUUID(), applied: false };
    this.deliveries.push(sent);
    expect(await this.store(sent)).toBe(true);
    return sent;
  }

  /** False when a batch of this id is there already. */
  store({ batchId, phone, epoch, user, rows, dressed, sentAt }: Delivery): Promise<boolean> {
    const items = rows.map((row) => inbox(onTheWire(row, dressed)));
    return storeBatch(this.engine.database, {
      batch_id: batchId,
      device_id: phone.device,
      queue_epoch: epoch,
      user_id: user,
      role: 'staff',
      content: batchContentHash(phone.device, epoch, items),
      sent_at: sentAt,
      queue_remaining: null,
      items,
    });
  }

  /** Applies what waits of a phone, with several workers at once or one, and compares the verdicts. */
  async drain(phone: Phone, workers: number): Promise<void> {
    const waiting = this.deliveries.filter((one) => one.phone === phone && !one.applied);
    if (waiting.length === 0) return;
    const filter = { _id: { $in: waiting.map((one) => one.batchId) }, state: { $ne: 'applied' as const } };
    do {
      const over = { maxCountAgeDays: MAX_AGE_DAYS };
      const workersAtOnce = Array.from({ length: workers }, () => this.engine.drain(phone.device, over));
      await Promise.all(workersAtOnce);
    } while ((await this.engine.database.batches.countDocuments(filter)) > 0);
    for (const delivery of waiting) await this.compareVerdicts(delivery);
  }

  async compareVerdicts(delivery: Delivery): Promise<void> {
    const { batchId, phone, epoch, user, rows, sentAt } = delivery;
    const { database } = this.engine;
    const received = (await database.batches.findOne({ _id: batchId }))!.received_at.getTime();
    const from = { device: phone.device, epoch, user, sentAt: sentAt.getTime(), receivedAt: received };
    const expected = deliver(this.truth, rows, from);
    const results = (await findBatchView(database, batchId))!.results;
    for (const [index, { dispute }] of expected.entries()) {
      const id = results[index]?.conflict_id;
      if (dispute !== undefined && id !== undefined) this.conflictIds[dispute] ??= id;
    }
    expect(results.map((result) => this.#said(result))).toEqual(
      expected.map((said, n) => ({ id: rows[n]!.id, ...said })),
    );
    this.given.push(...expected.map(({ verdict, code }) => code ?? verdict));
    delivery.applied = true;
    if (delivery.heard) phone.learn(epoch, rows, expected);
  }

  #said({ id, verdict, code, conflict_id, resolution }: OperationResult): Said & { id: number } {
    return {
      id,
      verdict,
      ...(code ? { code } : {}),
      ...(conflict_id ? { dispute: this.conflictIds.indexOf(conflict_id) } : {}),
      ...(resolution ? { resolution } : {}),
    };
  }
}

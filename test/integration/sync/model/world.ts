import { randomUUID } from 'node:crypto';
import { ObjectId } from 'mongodb';
import { expect } from 'vitest';
import type { OperationResult } from '../../../../src/contract/wire-types.ts';
import { findBatchView, storeBatch } from '../../../../src/db/sync/sync-batches.ts';
import { batchContentHash } from '../../../../src/domain/sync/identity.ts';
import { inbox } from '../../../unit/sync/fixtures.ts';
import type { HttpEngine } from '../../http/http-engine.ts';
import { onTheWire, Phone } from './phone.ts';
import { MAX_AGE_DAYS, placeOf, type Said, type Sender, Truth } from './truth.ts';
import { deliver, type Row } from './uploads.ts';

export interface Delivery {
  batchId: string;
  phone: Phone;
  /** The phone's name when it sent this. */
  device: string;
  epoch: string;
  user: string;
  rows: Row[];
  dressed: boolean;
  sentAt: Date;
  /** Whether the device hears the verdicts. */
  heard: boolean;
  applied: boolean;
}

/** From the phone as it is named now, unless it says otherwise. */
type Outgoing = Omit<Delivery, 'batchId' | 'applied' | 'device'> & Partial<Pick<Delivery, 'device'>>;

let worlds = 0;

/** One run: phones, sessions and items of its own in the shared database, and the truth about them. */
export class World {
  readonly engine: HttpEngine;
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

  constructor(engine: HttpEngine) {
    worlds += 1;
    const own = (name: string) => `${name}-${worlds}`;
    this.engine = engine;
    this.phones = ['ada', 'bea', 'cem'].map((name) => new Phone(own(name)));
    this.sessions = ['hall', 'yard'].map(own);
    this.items = ['bolt', 'nut'].map(own);
  }

  async send(delivery: Outgoing): Promise<Delivery> {
    const sent = { device: delivery.phone.device, ...delivery, batchId: randomUUID(), applied: false };
    this.deliveries.push(sent);
    expect(await this.store(sent)).toBe(true);
    return sent;
  }

  /** False when a batch of this id is there already. */
  store({ batchId, device, epoch, user, rows, dressed, sentAt }: Delivery): Promise<boolean> {
    const items = rows.map((row) => inbox(onTheWire(row, dressed)));
    return storeBatch(this.engine.database, {
      batch_id: batchId,
      device_id: device,
      queue_epoch: epoch,
      user_id: user,
      role: 'staff',
      content: batchContentHash(device, epoch, items),
      sent_at: sentAt,
      queue_remaining: null,
      items,
    });
  }

  /** Applies what waits of a phone, with several workers at once or one, and compares the verdicts. */
  async drain(phone: Phone, workers: number): Promise<void> {
    const waiting = Map.groupBy(this.#waiting(phone), ({ device }) => device);
    for (const own of waiting.values()) {
      await this.#apply(own, workers);
      for (const delivery of own) await this.compareVerdicts(delivery);
    }
  }

  /**
   * Applies what waits of two phones at the same instant. Either may be first; what the engine says and wrote
   * of `line` must be what one of the two orders gives.
   */
  async race(one: Delivery, other: Delivery, line: { session: string; item: string; place: string }) {
    await Promise.all([this.#apply([one], 1), this.#apply([other], 1)]);
    const { session: session_id, item: item_code, place: location } = line;
    const stored = await this.engine.database.lines.findOne({ session_id, item_code, location });
    const said = async (delivery: Delivery) =>
      (await this.#results(delivery)).map(({ verdict, code }) => `${verdict} ${code}`).join();
    const seen = [await said(one), await said(other)];
    const fits = async (order: Delivery[]): Promise<boolean> => {
      const fork = this.truth.fork();
      const expected = new Map<Delivery, string>();
      for (const delivery of order) {
        const verdicts = deliver(fork, delivery.rows, await this.#sender(delivery));
        expected.set(delivery, verdicts.map(({ verdict, code }) => `${verdict} ${code}`).join());
      }
      const version = fork.lines.get(placeOf(line))?.version;
      return `${[expected.get(one), expected.get(other), version]}` === `${[...seen, stored?.version]}`;
    };
    const order = (await fits([other, one])) ? [other, one] : [one, other];
    for (const delivery of order) await this.compareVerdicts(delivery);
  }

  waits(phone: Phone): boolean {
    return this.#waiting(phone).length > 0;
  }

  #waiting(phone: Phone): Delivery[] {
    return this.deliveries.filter((one) => one.phone === phone && !one.applied);
  }

  async #apply(own: readonly Delivery[], workers: number): Promise<void> {
    const filter = { _id: { $in: own.map((one) => one.batchId) }, state: { $ne: 'applied' as const } };
    const over = { maxCountAgeDays: MAX_AGE_DAYS };
    do {
      const atOnce = Array.from({ length: workers }, () => this.engine.drain(own[0]!.device, over));
      await Promise.all(atOnce);
    } while ((await this.engine.database.batches.countDocuments(filter)) > 0);
  }

  async #sender({ batchId, device, epoch, user, sentAt }: Delivery): Promise<Sender> {
    const batch = await this.engine.database.batches.findOne({ _id: batchId });
    return { device, epoch, user, sentAt: sentAt.getTime(), receivedAt: batch!.received_at.getTime() };
  }

  async #results({ batchId }: Delivery): Promise<OperationResult[]> {
    return (await findBatchView(this.engine.database, batchId))!.results;
  }

  async compareVerdicts(delivery: Delivery): Promise<void> {
    const { phone, rows } = delivery;
    const expected = deliver(this.truth, rows, await this.#sender(delivery));
    const results = await this.#results(delivery);
    for (const [index, { dispute }] of expected.entries()) {
      const id = results[index]?.conflict_id;
      if (dispute !== undefined && id !== undefined) this.conflictIds[dispute] ??= id;
    }
    expect(results.map((result) => this.#said(result))).toEqual(
      expected.map((said, n) => ({ id: rows[n]!.id, ...said })),
    );
    this.given.push(...expected.map(({ verdict, code }) => code ?? verdict));
    delivery.applied = true;
    if (delivery.heard) phone.learn(delivery, expected);
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

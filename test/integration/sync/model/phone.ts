import type { SentItem } from '../../../unit/sync/fixtures.ts';
import type { Op, Said } from './truth.ts';
import type { Row } from './uploads.ts';

interface Sent {
  device: string;
  epoch: string;
  rows: readonly Row[];
}

interface WaitingRow extends Row {
  epoch: string;
}

/** A device's queue as far as the server sees it: rows wait until a verdict came back to them. */
export class Phone {
  /** The server's name for it; an app that was installed anew may have another. */
  device: string;
  readonly #name: string;
  #devices = 1;
  epoch = 'e1';
  #epochs = 1;
  #nextId = 1;
  #rows: WaitingRow[] = [];

  constructor(device: string) {
    this.device = device;
    this.#name = device;
  }

  enqueue(op: Op): void {
    this.#rows.push({ id: this.#nextId, op, epoch: this.epoch });
    this.#nextId += 1;
  }

  /** The rows of the oldest epoch that still has some: a batch is of one epoch. */
  waiting(): { epoch: string; rows: Row[] } {
    const epoch = this.#rows[0]?.epoch ?? this.epoch;
    const rows = this.#rows.filter((row) => row.epoch === epoch).map(({ id, op }) => ({ id, op }));
    return { epoch, rows };
  }

  /** The verdicts arrived. Ids that the server knows with other content go out again in a new epoch. */
  learn({ device, epoch, rows }: Sent, said: readonly Said[]): void {
    // An answer to an app that is gone reaches nobody.
    if (device !== this.device) return;
    this.#learn(epoch, rows, said);
  }

  #learn(epoch: string, rows: readonly Row[], said: readonly Said[]): void {
    const reused = rows.filter((_, index) => said[index]!.code === 'operation_id_reused').map(({ id }) => id);
    const done = new Set(rows.filter((_, index) => said[index]!.verdict !== 'retry').map(({ op }) => op));
    for (const row of rows) if (reused.includes(row.id)) done.delete(row.op);
    this.#rows = this.#rows.filter((row) => row.epoch !== epoch || !done.has(row.op));
    if (reused.length === 0) return;
    if (epoch === this.epoch) this.#newEpoch();
    const first = Math.min(...reused);
    for (const row of this.#rows) if (row.epoch === epoch && row.id >= first) row.epoch = this.epoch;
  }

  /** The app was installed anew: nothing is left, ids start at 1 in an epoch or on a device of their own. */
  reinstall(asOther: boolean): void {
    if (asOther) {
      this.#devices += 1;
      this.device = `${this.#name}-${this.#devices}`;
    } else this.#newEpoch();
    this.#rows = [];
    this.#nextId = 1;
  }

  /** An older copy of the database: the epoch stands, the last ids are given out once more. */
  restore(ids: number): void {
    this.#rows = [];
    this.#nextId = Math.max(1, this.#nextId - ids);
  }

  #newEpoch(): void {
    this.#epochs += 1;
    this.epoch = `e${this.#epochs}`;
  }
}

const NAMES = { start: 'session_start', complete: 'session_complete', count: 'count_update' } as const;

/**
 * An operation as JSON. `dressed` says the same in other words: other times' form, defaults written out,
 * unknown fields, members the other way round; by the rules it is the same content.
 */
export function onTheWire({ id, op }: Row, dressed: boolean): SentItem {
  const time = (ms: number) => (dressed ? ms / 1000 : new Date(ms).toISOString());
  const created_at = dressed ? new Date(op.made).toISOString() : op.made;
  const item = (operation: string, entity_type: string, payload: object) => {
    const plain = { id, operation, entity_type, payload, created_at };
    const other = { retry_count: 2, unknown: true, ...Object.fromEntries(Object.entries(plain).reverse()) };
    return (dressed ? other : plain) as unknown as SentItem;
  };
  switch (op.kind) {
    case 'broken':
      // What cannot be read is its own content, word for word, and is never dressed.
      return {
        id,
        operation: 'count_update',
        entity_type: 'count_line',
        payload: { session_id: op.session },
        created_at: op.made,
      } as unknown as SentItem;
    case 'start': {
      const { session, warehouse, type, at } = op;
      const given = dressed || type !== 'STANDARD' ? { type } : {};
      return item(NAMES.start, 'session', { ...given, session_id: session, warehouse, started_at: time(at) });
    }
    case 'complete':
      return item(NAMES.complete, 'session', { session_id: op.session, completed_at: time(op.at) });
    case 'count': {
      const { session, item: item_code, place: location, qty: counted_qty, base: base_version, at } = op;
      const given = {
        ...(dressed || location !== '' ? { location } : {}),
        ...(dressed || base_version !== 0 ? { base_version } : {}),
      };
      return item(NAMES.count, 'count_line', {
        ...given,
        session_id: session,
        item_code,
        counted_qty,
        counted_at: time(at),
      });
    }
    default:
      return op satisfies never;
  }
}

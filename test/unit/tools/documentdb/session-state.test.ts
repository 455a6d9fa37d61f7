import { Binary, Long } from 'bson';
import { describe, expect, it } from 'vitest';
import { LimitedMap } from '../../../../tools/documentdb/limited-map.ts';
import { RetryableWrites } from '../../../../tools/documentdb/retryable-writes.ts';

it('LimitedMap forgets what was not set for longest', () => {
  const map = new LimitedMap<number>(2);
  map.set('a', 1);
  map.set('b', 2);
  map.set('a', 3);
  map.set('c', 4);
  expect([map.get('a'), map.get('b'), map.get('c')]).toEqual([3, undefined, 4]);
});

describe('RetryableWrites', () => {
  const lsid = { id: new Binary(Buffer.alloc(16, 1), 4) };
  const update = (txnNumber: number, extra = {}) => ({
    name: 'update',
    body: { update: 'lines', lsid, txnNumber: Long.fromNumber(txnNumber), ...extra },
  });
  const reply = Buffer.from('reply');

  it('repeats the answer of the session’s last write', () => {
    const writes = new RetryableWrites();
    writes.remember(update(1), reply);
    expect(writes.earlierReply(update(1))).toBe(reply);
    expect(writes.earlierReply(update(2))).toBeUndefined();
  });

  it('does not take the statements of a transaction, which share a number, for repetitions', () => {
    const writes = new RetryableWrites();
    writes.remember(update(1, { autocommit: false }), reply);
    expect(writes.earlierReply(update(1, { autocommit: false }))).toBeUndefined();
  });
});

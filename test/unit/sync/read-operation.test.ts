import { describe, expect, test } from 'vitest';
import { readOperation } from '../../../src/domain/sync/read-operation.ts';
import { COUNTED, sent } from './fixtures.ts';

type Sent = Parameters<typeof readOperation>[0];

const rejection = (item: Sent) => {
  const read = readOperation(item);
  return 'rejection' in read ? read.rejection : undefined;
};
const operation = (item: Sent) => {
  const read = readOperation(item);
  if ('rejection' in read) throw new Error(read.rejection.message);
  return read.operation;
};

describe('a right operation, in the engine’s own form', () => {
  test('a count with nothing but what is needed gets its defaults', () => {
    expect(operation(sent.count(1))).toEqual({
      operation: 'count_update',
      session_id: 'S-1',
      item_code: 'bolt',
      location: '',
      counted_qty: 7,
      counted_at: COUNTED,
      base_version: 0,
      erp_qty: null,
      unit_value: null,
      category: null,
      variance_reason: null,
      note: null,
    });
  });
  test('a start is STANDARD unless told', () => {
    expect(operation(sent.start(1))).toEqual({
      operation: 'session_start',
      session_id: 'S-1',
      warehouse: 'North',
      type: 'STANDARD',
      started_at: COUNTED,
      notes: null,
    });
  });
  test('text is trimmed, blanks are none', () => {
    const read = operation(
      sent.count(1, 7, {
        item_code: ' bolt ',
        location: ' A1 ',
        category: '  ',
        note: ' x ',
        variance_reason: '',
      }),
    );
    expect(read).toMatchObject({
      item_code: 'bolt',
      location: 'A1',
      category: null,
      note: 'x',
      variance_reason: null,
    });
    expect(operation(sent.complete(1, { notes: '  ' }))).toMatchObject({ notes: null });
  });
  test.each([
    [1.00005, 1.0001],
    [1.00004999, 1],
    [2.67545, 2.6755],
    [0, 0],
    [-0, 0],
    [1e9, 1e9],
  ])('a quantity of %d is kept as %d', (given, kept) => {
    const { counted_qty } = operation(sent.count(1, given)) as { counted_qty: number };
    expect(Object.is(counted_qty, kept)).toBe(true);
  });
  test('book and value are rounded, too, and may be negative', () => {
    expect(operation(sent.count(1, 1, { erp_qty: -1.00005, unit_value: -1e9 }))).toMatchObject({
      erp_qty: -1.0001,
      unit_value: -1e9,
    });
  });
  test.each([
    ['an id for a count is ignored', sent.count(1, 7, {}, { entity_id: 'x'.repeat(10_000) })],
    ['none for a session', sent.start(1, {}, { entity_id: null })],
    ['its own session', sent.start(1, {}, { entity_id: 'S-1' })],
    ['its own session, untrimmed', sent.start(1, {}, { entity_id: ' S-1 ' })],
    ['characters of two halves', sent.count(1, 7, { item_code: '👩‍🔧' })],
    ['100 characters', sent.count(1, 7, { item_code: 'x'.repeat(100), location: 'y'.repeat(100) })],
    ['1,000 characters of note', sent.count(1, 7, { note: 'x'.repeat(1000) })],
  ])('accepted: %s', (_name, item) => {
    expect(rejection(item)).toBeUndefined();
  });
});

const LONG = 'x'.repeat(101);

describe('what can never apply', () => {
  test.each([
    ['a quantity below 0', sent.count(1, -0.0001)],
    ['a quantity over 1e9', sent.count(1, 1e9 + 1)],
    ['a quantity as text', sent.count(1, '7')],
    ['the text NaN', sent.count(1, 'NaN')],
    ['NaN', sent.count(1, Number.NaN)],
    ['infinity', sent.count(1, Number.POSITIVE_INFINITY)],
    ['no quantity', sent.count(1, null)],
    ['an operator for a quantity', sent.count(1, { $gt: 0 })],
    ['an operator for a session', sent.count(1, 7, { session_id: { $gt: '' } })],
    ['an operator for an item', sent.count(1, 7, { item_code: { $gt: '' } })],
    ['an empty item', sent.count(1, 7, { item_code: '' })],
    ['a blank item', sent.count(1, 7, { item_code: ' \t ' })],
    ['an item of 101 characters', sent.count(1, 7, { item_code: LONG })],
    ['a session of 101 characters', sent.count(1, 7, { session_id: LONG })],
    ['a location of 101 characters', sent.count(1, 7, { location: LONG })],
    ['a reason of 101 characters', sent.count(1, 7, { variance_reason: LONG })],
    ['a category of 101 characters', sent.count(1, 7, { category: LONG })],
    ['a note of 1,001 characters', sent.count(1, 7, { note: 'x'.repeat(1001) })],
    ['a control character in an item', sent.count(1, 7, { item_code: 'a\u0000b' })],
    ['half a character in an item', sent.count(1, 7, { item_code: 'a\ud800' })],
    ['half a character in a note', sent.count(1, 7, { note: '\udfff' })],
    ['a line break in an item', sent.count(1, 7, { item_code: 'a\nb' })],
    ['a control character in a note', sent.count(1, 7, { note: 'a\u0007b' })],
    ['a date that does not exist', sent.count(1, 7, { counted_at: '2026-02-30T10:00:00Z' })],
    ['a time that does not parse', sent.count(1, 7, { counted_at: 'yesterday' })],
    ['a base version below 0', sent.count(1, 7, { base_version: -1 })],
    ['half a base version', sent.count(1, 7, { base_version: 1.5 })],
    ['a base version as text', sent.count(1, 7, { base_version: '1' })],
    ['a book over 1e9', sent.count(1, 7, { erp_qty: -1e9 - 1 })],
    ['a value as text', sent.count(1, 7, { unit_value: '2' })],
    ['an array for a payload', sent.count(1, 7, {}, { payload: [] })],
    ['text for a payload', sent.count(1, 7, {}, { payload: '{}' })],
    ['no payload', sent.count(1, 7, {}, { payload: null })],
    ['a created_at that is no time', sent.count(1, 7, {}, { created_at: {} })],
    ['no created_at', sent.count(1, 7, {}, { created_at: undefined })],
    ['a count of a session', sent.count(1, 7, {}, { entity_type: 'session' })],
    ['a start of a line', sent.start(1, {}, { entity_type: 'count_line' })],
    ['no entity_type', sent.start(1, {}, { entity_type: undefined })],
    ['another session’s entity_id', sent.start(1, {}, { entity_id: 'S-2' })],
    ['another session’s entity_id at completion', sent.complete(1, {}, { entity_id: 'S-2' })],
    ['an operator for an entity_id', sent.start(1, {}, { entity_id: { $gt: '' } })],
    ['an unknown type', sent.start(1, { type: 'LOOSE' })],
    ['no warehouse', sent.start(1, { warehouse: undefined })],
    ['a warehouse of 101 characters', sent.start(1, { warehouse: LONG })],
    ['no completed_at', sent.complete(1, { completed_at: undefined })],
  ])('invalid_payload: %s', (_name, item) => {
    const found = rejection(item as Sent);
    expect(found?.code).toBe('invalid_payload');
    expect(found!.message.length).toBeLessThanOrEqual(200);
  });

  test.each(['count_delete', '', 'COUNT_UPDATE', '__proto__', 'constructor', { $gt: '' }, null, 7])(
    'unknown_operation: %j',
    (name) => {
      expect(rejection(sent.count(1, 7, {}, { operation: name }) as Sent)?.code).toBe('unknown_operation');
    },
  );

  test('a payload 100,000 levels deep is judged like any other', () => {
    let deep: unknown = 1;
    for (let level = 0; level < 100_000; level += 1) deep = [deep];
    expect(rejection(sent.count(1, 7, {}, { payload: deep }))?.code).toBe('invalid_payload');
  });
});

describe('identity: two deliveries say the same', () => {
  const plain = sent.count(1);
  test.each([
    ['with fields nobody knows', sent.count(1, 7, { colour: 'red' }, { device: 'x' }), true],
    ['with the defaults written out', sent.count(1, 7, { location: '', base_version: 0 }), true],
    ['with the keys in another order', reversed(plain), true],
    ['with the time in ms', sent.count(1, 7, { counted_at: COUNTED.getTime() }), true],
    ['with the time in seconds', sent.count(1, 7, { counted_at: COUNTED.getTime() / 1000 }), true],
    ['with created_at as text', sent.count(1, 7, {}, { created_at: COUNTED.toISOString() }), true],
    ['with blanks around an id', sent.count(1, 7, { item_code: ' bolt ' }), true],
    ['with another retry_count', sent.count(1, 7, {}, { retry_count: 3 }), true],
    ['with an entity_id of null', sent.count(1, 7, {}, { entity_id: null }), true],
    ['but with another quantity', sent.count(1, 8), false],
    ['but with another time', sent.count(1, 7, { counted_at: COUNTED.getTime() + 1 }), false],
    ['but made at another time', sent.count(1, 7, {}, { created_at: COUNTED.getTime() + 1 }), false],
    ['but with a note', sent.count(1, 7, { note: 'x' }), false],
    ['but with another entity_id', sent.count(1, 7, {}, { entity_id: 'x' }), false],
  ])('%s: %#', (_name, other, same) => {
    expect(readOperation(other).content === readOperation(plain).content).toBe(same);
  });

  test('what cannot be read has its raw content', () => {
    const wrong = sent.count(1, -1);
    expect(readOperation(sent.count(1, -1)).content).toBe(readOperation(wrong).content);
    expect(readOperation(sent.count(1, -2)).content).not.toBe(readOperation(wrong).content);
  });
});

function reversed(item: Sent): Sent {
  const turn = (value: object) => Object.fromEntries(Object.entries(value).toReversed());
  return { ...turn(item), payload: turn(item.payload as object) } as Sent;
}

import { Decimal128, ObjectId } from 'bson';
import { describe, expect, it } from 'vitest';
import { encode } from '../../../../tools/documentdb/documents.ts';
import {
  needsRewriting,
  rewriteCommand,
  rewriteExpression,
  rewriteFilter,
} from '../../../../tools/documentdb/server-time.ts';

const now = new Date('2025-03-01T12:00:00Z');

describe('rewriteExpression', () => {
  it('replaces $$NOW at any depth, but not under $literal', () => {
    const before = { $cond: [{ $lt: ['$at', '$$NOW'] }, { $literal: '$$NOW' }, ['$$NOW', 'plain $$NOW']] };
    const after = { $cond: [{ $lt: ['$at', now] }, { $literal: '$$NOW' }, [now, 'plain $$NOW']] };
    expect(rewriteExpression(before, now)).toEqual(after);
  });

  it('leaves BSON values as they are', () => {
    const values = { id: new ObjectId(), price: Decimal128.fromString('0.10'), at: new Date(0), none: null };
    const after = rewriteExpression(values, now) as typeof values;
    expect(after.id).toBe(values.id);
    expect(after.price).toBe(values.price);
    expect(after.at).toBe(values.at);
    expect(after.none).toBeNull();
  });

  it('replaces $dateTrunc, also inside another one', () => {
    const day = { $dateTrunc: { date: '$$NOW', unit: 'day' } };
    const text = JSON.stringify(rewriteExpression({ $dateTrunc: { date: day, unit: 'month' } }, now));
    expect(text).not.toContain('$dateTrunc');
    expect(text).toContain(now.toISOString());
  });
});

it('in a filter only $expr is evaluated', () => {
  const before = { note: '$$NOW', $or: [{ at: '$$NOW' }, { $expr: { $lt: ['$at', '$$NOW'] } }] };
  const after = { note: '$$NOW', $or: [{ at: '$$NOW' }, { $expr: { $lt: ['$at', now] } }] };
  expect(rewriteFilter(before, now)).toEqual(after);
});

describe('rewriteCommand', () => {
  it('tells a pipeline from an update document', () => {
    const updates = [
      { q: {}, u: { $set: { at: '$$NOW' } } },
      { q: { $expr: { $lt: ['$at', '$$NOW'] } }, u: [{ $set: { at: '$$NOW' } }] },
    ];
    expect(rewriteCommand('update', { update: 'locks', updates }, now)['updates']).toEqual([
      { q: {}, u: { $set: { at: '$$NOW' } } },
      { q: { $expr: { $lt: ['$at', now] } }, u: [{ $set: { at: now } }] },
    ]);
  });

  it('replaces in the pipeline of findAndModify, in let and in projections', () => {
    const body = {
      findAndModify: 'locks',
      query: {},
      update: [{ $set: { at: '$$NOW' } }],
      let: { at: '$$NOW' },
    };
    expect(rewriteCommand('findAndModify', body, now)).toEqual({
      ...body,
      update: [{ $set: { at: now } }],
      let: { at: now },
    });
    const find = { find: 'locks', filter: {}, projection: { now: '$$NOW' } };
    expect(rewriteCommand('find', find, now)).toEqual({ ...find, projection: { now } });
  });
});

it('an encoded command shows whether there is anything to replace', () => {
  expect(needsRewriting(encode({ find: 'locks', filter: { at: 1 } }))).toBe(false);
  expect(needsRewriting(encode({ find: 'locks', filter: { $expr: ['$$NOW'] } }))).toBe(true);
  expect(needsRewriting(encode({ aggregate: 'x', pipeline: [{ $dateTrunc: {} }] }))).toBe(true);
});

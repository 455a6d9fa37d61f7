import {
  MongoBulkWriteError,
  MongoExpiredSessionError,
  MongoNetworkError,
  MongoNotConnectedError,
  MongoServerError,
  MongoTopologyClosedError,
} from 'mongodb';
import { describe, expect, it } from 'vitest';
import { DatabaseAway, isAway } from '../../../src/db/away.ts';
import { isTransient } from '../../../src/db/transient.ts';

/** As the driver wraps what a bulk write met. */
const inBulk = (error: object) => new MongoBulkWriteError(error as never, {} as never);

describe('a database that is away', () => {
  it.each([
    ['a broken connection', new MongoNetworkError('connection 6 closed')],
    ['a broken connection under a bulk write', inBulk(new MongoNetworkError('connection 6 closed'))],
    ['a client that connects anew', new MongoTopologyClosedError('Topology is closed')],
    ['a client that is not connected', new MongoNotConnectedError('Client must be connected')],
    ['a session that the client ended', new MongoExpiredSessionError()],
    ["a socket's own error", Object.assign(new Error('write ECONNRESET'), { code: 'ECONNRESET' })],
    ["a socket's own error under a bulk write", inBulk(Object.assign(new Error('EPIPE'), { code: 'EPIPE' }))],
    ["a socket's own error in a commit", new TypeError('commitError.hasErrorLabel is not a function')],
    ['two runs of a transaction that met it', new DatabaseAway()],
  ])('is told by %s', (_what, error) => {
    expect(isAway(error)).toBe(true);
    expect(isTransient(error)).toBe(true);
  });

  it.each([
    ['a duplicate key', new MongoServerError({ message: 'E11000', code: 11000 })],
    ['a duplicate key under a bulk write', inBulk({ message: 'E11000', code: 11000, writeErrors: [] })],
    ['a mistake in our code', new TypeError('x.map is not a function')],
    ['a fault of our own', new RangeError('out of range')],
    ['a fault of our own under a bulk write', inBulk(new RangeError('out of range'))],
  ])('is not told by %s', (_what, error) => {
    expect(isAway(error)).toBe(false);
    expect(isTransient(error)).toBe(false);
  });
});

// Every behaviour of MongoDB that the product relies on, checked on whichever server was found. A server that
// passes may be used; where the servers differ, the code must be right for the stricter one.
import { afterAll, beforeAll, describe } from 'vitest';
import { freshDatabase, type TestDatabase } from '../support/test-database.ts';
import { aggregations } from './mongodb/aggregations.ts';
import { cursors } from './mongodb/cursors.ts';
import { indexes } from './mongodb/indexes.ts';
import { refusals } from './mongodb/refusals.ts';
import { serverTime } from './mongodb/server-time.ts';
import { transactions } from './mongodb/transactions.ts';
import { truncatedDates } from './mongodb/truncated-dates.ts';
import { upserts } from './mongodb/upserts.ts';
import { validators } from './mongodb/validators.ts';
import { writeConflicts } from './mongodb/write-conflicts.ts';
import { writes } from './mongodb/writes.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database.drop());

const current = () => database;
describe('transactions', () => transactions(current));
describe('write conflicts', () => writeConflicts(current));
describe('single writes and bulk writes', () => writes(current));
describe('upserts', () => upserts(current));
describe('server time', () => serverTime(current));
describe('indexes', () => indexes(current));
describe('validators', () => validators(current));
describe('cursors', () => cursors(current));
describe('aggregations', () => aggregations(current));
describe('$dateTrunc', () => truncatedDates(current));
describe('refusals', () => refusals(current));

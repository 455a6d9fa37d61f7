// What only the gateway in front of PostgreSQL can get wrong: a process that dies on either side of it. The
// tests use a server of their own. Where MongoDB itself was found there is nothing to check.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { MongoClient, type UpdateOptions } from 'mongodb';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, it, onTestFinished } from 'vitest';
import { startGateway } from '../../tools/documentdb/gateway.ts';
import { type DocumentDb, startDocumentDb } from '../../tools/documentdb/start.ts';
import { errorOf, NO_SUCH_TRANSACTION, type Row, TRANSIENT } from '../contracts/mongodb/helpers.ts';
import { RawClient } from '../support/raw-mongo-client.ts';

if (inject('mongoSource') === 'DocumentDB') describe('the DocumentDB gateway', gatewayTests);
else it('has nothing to check, because another server was found', () => {});

function gatewayTests(): void {
  let server: DocumentDb;
  let client: MongoClient;
  const rows = (name: string) => client.db('gateway').collection<Row>(name);
  beforeAll(async () => {
    server = await startDocumentDb(() => {});
    client = await new MongoClient(server.url).connect();
  });
  afterAll(async () => {
    await client.close();
    await server.stop();
  });

  it('survives a PostgreSQL process that dies under a transaction, and says that it may be rerun', async () => {
    await rows('backend').insertOne({ _id: 1 });
    const session = client.startSession();
    session.startTransaction();
    await rows('backend').updateOne({ _id: 1 }, { $set: { n: 1 } }, { session });
    await endIdleTransactions(server.postgresPort);
    const error = await errorOf(rows('backend').updateOne({ _id: 1 }, { $set: { n: 2 } }, { session }));
    expect(error.hasErrorLabel(TRANSIENT)).toBe(true);
    await session.endSession();
    expect(await rows('backend').findOne()).toEqual({ _id: 1 });
  });

  it('frees what a killed client had locked', async () => {
    await rows('killed').insertOne({ _id: 1, n: 0 });
    const child = spawn(process.execPath, ['--input-type=module', '-e', openTransaction(server.url)]);
    await once(child.stdout, 'data');
    child.kill('SIGKILL');
    await once(child, 'exit');
    await rows('killed').updateOne({ _id: 1 }, { $inc: { n: 10 } }, { maxTimeMS: 5_000 });
    expect(await rows('killed').findOne()).toEqual({ _id: 1, n: 10 });
  });

  it('calls a row that another transaction holds to the end of the limit a write conflict, as a transaction sees it', async () => {
    await rows('held').insertOne({ _id: 1 });
    const holder = client.startSession();
    const waiter = client.startSession();
    onTestFinished(() => Promise.all([holder.endSession(), waiter.endSession()]).then(() => {}));
    holder.startTransaction();
    await rows('held').updateOne({ _id: 1 }, { $set: { n: 1 } }, { session: holder });
    waiter.startTransaction();
    const write = (options: UpdateOptions) =>
      errorOf(rows('held').updateOne({ _id: 1 }, { $set: { n: 2 } }, { maxTimeMS: 100, ...options }));
    const conflict = await write({ session: waiter });
    expect(conflict.code).toBe(112);
    expect(conflict.hasErrorLabel(TRANSIENT)).toBe(true);
    expect((await write({})).code).toBe(50);
  });

  it('rolls a transaction back when it gets too old', async () => {
    const gateway = await startGateway({ postgresPort: server.postgresPort, transactionLifetimeMs: 200 });
    onTestFinished(() => gateway.stop());
    const other = await new MongoClient(gateway.url).connect();
    onTestFinished(() => other.close());
    const session = other.startSession();
    session.startTransaction();
    const old = other.db('gateway').collection<Row>('old');
    await old.insertOne({ _id: 1 }, { session });
    await sleep(300);
    expect((await errorOf(old.insertOne({ _id: 2 }, { session }))).code).toBe(NO_SUCH_TRANSACTION);
    await session.endSession();
    expect(await old.countDocuments()).toBe(0);
  });

  it('after a kill keeps what was committed, drops what was open, and its clients go on', async () => {
    await client.db('gateway').createCollection('crash');
    const session = client.startSession();
    session.startTransaction();
    await rows('crash').insertOne({ _id: 'open' }, { session });
    await rows('crash').insertOne({ _id: 'committed' });
    await server.killGateway();
    await server.restartGateway();
    const error = await errorOf(rows('crash').insertOne({ _id: 'open too' }, { session }));
    expect(error.hasErrorLabel(TRANSIENT)).toBe(true);
    await session.endSession();
    expect(await rows('crash').find().toArray()).toEqual([{ _id: 'committed' }]);
  });

  it('runs a repeated retryable write once and repeats its first answer', async () => {
    await rows('retried').insertOne({ _id: 1, n: 0 });
    const raw = await RawClient.connect(server.url);
    onTestFinished(() => raw.close());
    const increment = { q: { _id: 1 }, u: { $inc: { n: 1 } } };
    const batch = { update: 'retried', updates: [increment, increment], $db: 'gateway' };
    const first = await raw.retryable(batch, 1);
    expect(await raw.retryable(batch, 1)).toEqual(first);
    expect(await rows('retried').findOne()).toEqual({ _id: 1, n: 2 });
    await raw.retryable(batch, 2);
    expect(await rows('retried').findOne()).toEqual({ _id: 1, n: 4 });
  });

  it('closes a connection that does not speak the protocol, and only that one', async () => {
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
    socket.on('error', () => {});
    socket.write('GET / HTTP/1.1\r\n\r\n');
    await once(socket, 'close');
    expect(await client.db('admin').command({ ping: 1 })).toMatchObject({ ok: 1 });
  });

  it('refuses snapshot reads outside of a transaction instead of answering without a snapshot', async () => {
    const session = client.startSession({ snapshot: true });
    const error = await errorOf(rows('snapshot').findOne({}, { session }));
    expect(error.message).toMatch(/snapshot/);
    await session.endSession();
  });
}

async function endIdleTransactions(port: number): Promise<void> {
  const admin = new pg.Client({ host: '127.0.0.1', port, user: 'postgres', database: 'postgres' });
  await admin.connect();
  await admin.query(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE state = 'idle in transaction'",
  );
  await admin.end();
  await sleep(100);
}

function openTransaction(url: string): string {
  return `
    import { MongoClient } from 'mongodb';
    const client = await new MongoClient(${JSON.stringify(url)}).connect();
    const session = client.startSession();
    session.startTransaction();
    await client.db('gateway').collection('killed').updateOne({ _id: 1 }, { $inc: { n: 1 } }, { session });
    console.log('open');
    setInterval(() => {}, 1000);
  `;
}

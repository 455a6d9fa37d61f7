import { MongoClient, MongoServerError } from 'mongodb';

const SELECTION_LIMIT_MS = 5_000;
// "Transaction numbers are only allowed on a replica set member or mongos"
const ILLEGAL_OPERATION = 20;

/** Rejects with a readable reason unless a transaction runs at `url`. Writes nothing. */
export async function assertTransactions(url: string): Promise<void> {
  let client: MongoClient;
  try {
    client = new MongoClient(url, { serverSelectionTimeoutMS: SELECTION_LIMIT_MS });
  } catch (error) {
    throw new Error(`it is no MongoDB URL: ${(error as Error).message}`);
  }
  const session = client.startSession();
  try {
    await session.withTransaction(() =>
      client.db().collection('transaction_probe').findOne({}, { session, maxTimeMS: SELECTION_LIMIT_MS }),
    );
  } catch (error) {
    if (error instanceof MongoServerError && error.code === ILLEGAL_OPERATION) {
      throw new Error('its server is no replica set, so it has no transactions: start mongod with --replSet');
    }
    throw new Error(`its server cannot be used: ${(error as Error).message}`);
  } finally {
    await session.endSession();
    await client.close();
  }
}

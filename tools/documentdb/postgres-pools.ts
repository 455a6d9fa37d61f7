// Connections to PostgreSQL. Plain commands, transactions and cancellations have pools of their own: with one
// pool, 20 open transactions that each wait for one plain read hold every connection and wait for ever.
import pg from 'pg';

const PLAIN_CONNECTIONS = 32;
const TRANSACTION_CONNECTIONS = 48;
const CANCELLING_CONNECTIONS = 2;
const WAIT_FOR_TRANSACTION_CONNECTION_MS = 10_000;

const ENGINE_SETTINGS = [
  // Cursors kept in files: otherwise each half-read sorted cursor occupies a connection.
  'documentdb.useFileBasedPersistedCursors=on',
  'documentdb.defaultCursorExpiryTimeLimitSeconds=600',
  // A deadlock as an error of the command, which gets a label, instead of as one of its write errors.
  'documentdb.throwDeadlockOnCRUD=on',
  'documentdb.maxWriteBatchSize=100000',
  'documentdb_core.enableCollation=on',
  'statement_timeout=0',
];

export type Queryable = pg.Pool | pg.PoolClient;

export interface Pools {
  readonly plain: pg.Pool;
  readonly transactions: pg.Pool;
  readonly cancelling: pg.Pool;
  end(): Promise<void>;
}

/** Opens nothing yet: connections are made when the first commands need them. */
export function createPools(postgresPort: number, onProblem: (message: string) => void): Pools {
  const config: pg.PoolConfig = {
    host: '127.0.0.1',
    port: postgresPort,
    user: 'postgres',
    database: 'postgres',
    options: ENGINE_SETTINGS.map((setting) => `-c ${setting}`).join(' '),
    idleTimeoutMillis: 60_000,
  };
  const plain = new pg.Pool({ ...config, max: PLAIN_CONNECTIONS });
  const transactions = new pg.Pool({
    ...config,
    max: TRANSACTION_CONNECTIONS,
    connectionTimeoutMillis: WAIT_FOR_TRANSACTION_CONNECTION_MS,
  });
  const cancelling = new pg.Pool({ ...config, max: CANCELLING_CONNECTIONS });

  for (const pool of [plain, transactions, cancelling]) {
    // Without these listeners a backend that dies would take the whole gateway with it.
    pool.on('error', (error) => onProblem(`pool: ${error.message}`));
    pool.on('connect', (client) => client.on('error', (error) => onProblem(`connection: ${error.message}`)));
  }
  return {
    plain,
    transactions,
    cancelling,
    end: async () => {
      await Promise.all([plain.end(), transactions.end(), cancelling.end()]);
    },
  };
}

// Values stay the text that PostgreSQL sent: a bytea is turned into bytes once, by `bytesOf`.
const asText = { getTypeParser: () => (value: string) => value };

/** Runs one statement and returns the columns of its first row as text, null for SQL's NULL. */
export async function queryRow(
  client: Queryable,
  text: string,
  values: readonly unknown[],
): Promise<readonly (string | null)[]> {
  const result = await client.query<(string | null)[]>({
    text,
    values: [...values],
    types: asText,
    rowMode: 'array',
  });
  return result.rows[0] ?? [];
}

/** The bytes of a bytea column in PostgreSQL's hex form (`\x…`). Throws when the row or column is missing. */
export function bytesOf(column: string | null | undefined): Buffer {
  if (column == null) throw new Error('the engine returned no document');
  return Buffer.from(column.slice(2), 'hex');
}

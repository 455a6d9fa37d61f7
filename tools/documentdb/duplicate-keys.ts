// A write that half succeeded answers ok with `writeErrors`. The engine packs their codes, names the index of
// a duplicate key only in its text, and reports a key that another open transaction inserted as a duplicate,
// where MongoDB reports a write conflict, so that the transaction is run again.
import { EJSON } from 'bson';
import { type Command, collectionOf, type Target } from './command.ts';
import { asDoc, asDocs, type Doc, decode, decodeSequence, encode, valueAt } from './documents.ts';
import { codeOfPackedSqlState } from './error-codes.ts';
import { indexNameIn, writeConflict } from './errors.ts';
import { bytesOf, type Queryable, queryRow } from './postgres-pools.ts';

const DUPLICATE_KEY = 11000;
const WRITE_CONFLICT = 112;

/** True when a reply of the engine lists at least one failed statement. */
export function hasWriteErrors(reply: Buffer): boolean {
  return reply.includes('writeErrors') && asDocs(decode(reply)['writeErrors']).length > 0;
}

/** The reply with MongoDB's codes, text and key patterns. Throws 112 when an entry is a write conflict. */
export async function translateWriteErrors(command: Command, target: Target, reply: Buffer): Promise<Buffer> {
  if (!hasWriteErrors(reply)) return reply;
  const decoded = decode(reply);
  const errors = asDocs(decoded['writeErrors']);
  for (const error of errors) {
    error['code'] = codeOfPackedSqlState(Number(error['code']));
    if (error['code'] === WRITE_CONFLICT) {
      throw writeConflict(String(error['errmsg']), target.transaction !== null);
    }
  }
  for (const error of errors) {
    if (error['code'] === DUPLICATE_KEY) await describeDuplicate(command, target, error);
  }
  return encode({ ...decoded, writeErrors: errors });
}

async function describeDuplicate(command: Command, target: Target, error: Doc): Promise<void> {
  const index = indexNameIn(String(error['errmsg']));
  const keyPattern = index && (await keyPatternOf(command, target.client, index));
  if (!keyPattern) return;
  const collection = collectionOf(command);
  const inserted = insertedDocument(command, Number(error['index']));
  if (inserted && target.transaction && !(await isVisible(command, target.client, keyPattern, inserted))) {
    const message = `WriteConflict: another transaction inserted the same key of index ${index}`;
    throw writeConflict(message, true);
  }
  const where = `E11000 duplicate key error collection: ${command.database}.${collection} index: ${index}`;
  error['keyPattern'] = keyPattern;
  error['errmsg'] = where;
  if (!inserted) return;
  const keyValue = Object.fromEntries(
    Object.keys(keyPattern).map((path) => [path, valueAt(inserted, path) ?? null]),
  );
  error['keyValue'] = keyValue;
  error['errmsg'] = `${where} dup key: ${JSON.stringify(EJSON.serialize(keyValue))}`;
}

async function keyPatternOf(command: Command, client: Queryable, index: string): Promise<Doc | undefined> {
  if (index === '_id_') return { _id: 1 };
  const spec = encode({ listIndexes: collectionOf(command), cursor: { batchSize: 100 } });
  const indexes = await firstBatch(client, 'list_indexes_cursor_first_page', command.database, spec);
  const found = indexes.find((candidate) => candidate['name'] === index);
  return found && asDoc(found['key']);
}

// The document that holds the key is in this transaction's snapshot: then it is a plain duplicate.
async function isVisible(
  command: Command,
  client: Queryable,
  keyPattern: Doc,
  inserted: Doc,
): Promise<boolean> {
  const paths = Object.keys(keyPattern);
  // An array puts several keys into the index; equality would compare the whole array.
  if (paths.some((path) => Array.isArray(valueAt(inserted, path)))) return true;
  const filter = Object.fromEntries(paths.map((path) => [path, { $eq: valueAt(inserted, path) ?? null }]));
  const spec = encode({ find: collectionOf(command), filter, limit: 1, projection: { _id: 1 } });
  return (await firstBatch(client, 'find_cursor_first_page', command.database, spec)).length > 0;
}

async function firstBatch(client: Queryable, query: string, database: string, spec: Buffer): Promise<Doc[]> {
  const [page] = await queryRow(
    client,
    `SELECT cursorpage::bytea FROM documentdb_api.${query}($1, $2::bytea::documentdb_core.bson, 0)`,
    [database, spec],
  );
  return asDocs(asDoc(decode(bytesOf(page))['cursor'])['firstBatch']);
}

function insertedDocument(command: Command, index: number): Doc | undefined {
  if (command.name !== 'insert') return undefined;
  const sequence = command.sequences.get('documents');
  return sequence ? decodeSequence(sequence)[index] : asDocs(command.body['documents'])[index];
}

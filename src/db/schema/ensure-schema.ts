import { MongoServerError } from 'mongodb';
import type { Database } from '../database.ts';
import { INDEXES, type IndexDefinition } from './indexes.ts';
import { VALIDATORS } from './validators.ts';

const NAMESPACE_EXISTS = 48;
const INDEX_OPTIONS_CONFLICT = 85;
const INDEX_KEY_SPECS_CONFLICT = 86;

/** An index that correctness needs could not be made; the engine must not start. */
export class SchemaError extends Error {
  override name = 'SchemaError';
}

/**
 * Makes the collections, validators and indexes that are missing. Can run at every start and from several
 * processes at once. An equal index under another name is accepted, nothing foreign is dropped
 * (contract 5). Returns what could not be made although it is not required; throws SchemaError otherwise.
 */
export async function ensureSchema(database: Database): Promise<string[]> {
  const present = new Set(
    (await database.db.listCollections({}, { nameOnly: true }).toArray()).map(
      (collection) => collection.name,
    ),
  );
  const wanted = new Set(INDEXES.map((index) => database[index.collection].collectionName));
  for (const collection of Object.values(database)) {
    if ('collectionName' in collection) wanted.add(collection.collectionName);
  }
  for (const name of wanted) {
    if (!present.has(name)) await createCollection(database, name);
  }
  for (const [name, validator] of Object.entries(VALIDATORS)) {
    await database.db.command({ collMod: name, validator, validationLevel: 'strict' });
  }
  await database.settings.updateOne({ _id: 'clock' }, { $setOnInsert: { _id: 'clock' } }, { upsert: true });
  const skipped: string[] = [];
  for (const index of INDEXES) {
    const problem = await createIndex(database, index);
    if (problem === undefined) continue;
    if (index.required) throw new SchemaError(problem);
    skipped.push(problem);
  }
  return skipped;
}

/** Kept for ever and hardly read: zstd takes less room than MongoDB's default, snappy. */
const COMPACT = { storageEngine: { wiredTiger: { configString: 'block_compressor=zstd' } } };

async function createCollection(database: Database, name: string): Promise<void> {
  try {
    if (name !== database.archivedOperations.collectionName) await database.db.createCollection(name);
    else await createCompact(database, name);
  } catch (error) {
    // Another process made it since it was listed.
    if (!(error instanceof MongoServerError && error.code === NAMESPACE_EXISTS)) throw error;
  }
}

// Another storage engine, or one built without zstd, refuses the option: then as everything else.
async function createCompact(database: Database, name: string): Promise<void> {
  try {
    await database.db.createCollection(name, COMPACT);
  } catch (error) {
    if (!(error instanceof MongoServerError) || error.code === NAMESPACE_EXISTS) throw error;
    await database.db.createCollection(name);
  }
}

async function createIndex(database: Database, index: IndexDefinition): Promise<string | undefined> {
  const { collection, key, required: _required, ...options } = index;
  const target = database[collection];
  try {
    await target.createIndex(key, options);
    return undefined;
  } catch (error) {
    if (!(error instanceof MongoServerError)) throw error;
    const clash = error.code === INDEX_OPTIONS_CONFLICT || error.code === INDEX_KEY_SPECS_CONFLICT;
    if (clash && (await hasEqualIndex(database, index))) return undefined;
    return `index ${target.collectionName}.${index.name} could not be made: ${error.message}`;
  }
}

async function hasEqualIndex(database: Database, wanted: IndexDefinition): Promise<boolean> {
  const existing = await database[wanted.collection].indexes();
  return existing.some(
    (index) =>
      JSON.stringify(index.key) === JSON.stringify(wanted.key) &&
      Boolean(index.unique) === Boolean(wanted.unique) &&
      index.expireAfterSeconds === wanted.expireAfterSeconds &&
      JSON.stringify(index['partialFilterExpression']) === JSON.stringify(wanted.partialFilterExpression),
  );
}

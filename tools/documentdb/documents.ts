// BSON in and out. Numbers stay BSON numbers (Int32, Long, Double, Decimal128) on their way through, because
// a document that was decoded and encoded again must not change the type of a field.
import { deserialize, serialize } from 'bson';

export type Doc = Record<string, unknown>;

export function decode(bytes: Uint8Array): Doc {
  return deserialize(bytes, { promoteValues: false, promoteLongs: false, bsonRegExp: true });
}

export function encode(doc: Doc): Buffer {
  const bytes = serialize(doc);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** The documents of an OP_MSG document sequence, which are BSON documents one after the other. */
export function decodeSequence(sequence: Buffer): Doc[] {
  const documents: Doc[] = [];
  for (let at = 0; at < sequence.length; ) {
    const length = sequence.readInt32LE(at);
    documents.push(decode(sequence.subarray(at, at + length)));
    at += length;
  }
  return documents;
}

/** A document or array of the user's, as opposed to a BSON value (ObjectId, Decimal128, Date, Binary …). */
export function isContainer(value: unknown): value is Doc {
  return typeof value === 'object' && value !== null && !(value instanceof Date) && !('_bsontype' in value);
}

/** Reads a document that arrived as a field of a command; anything else reads as empty. */
export function asDoc(value: unknown): Doc {
  return isContainer(value) && !Array.isArray(value) ? value : {};
}

export function asDocs(value: unknown): Doc[] {
  return Array.isArray(value) ? value.map(asDoc) : [];
}

/** True for `false` in each of the forms in which a driver may send it. */
export function isFalse(value: unknown): boolean {
  return value === false || (typeof value === 'object' && value?.valueOf() === false);
}

/** The value at a dotted path, or undefined. */
export function valueAt(doc: Doc, path: string): unknown {
  return path.split('.').reduce<unknown>((value, key) => asDoc(value)[key], doc);
}

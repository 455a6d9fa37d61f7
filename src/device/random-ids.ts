import { type SqliteDatabase, select } from './sqlite-port.ts';

/**
 * `bytes` random bytes in lower-case hex. From SQLite, because React Native's engine has no `crypto` and
 * `Math.random` repeats itself on some phones.
 */
export async function randomHex(db: SqliteDatabase, bytes: number): Promise<string> {
  const [row] = await select<{ hex: string }>(db, 'SELECT lower(hex(randomblob(?))) AS hex', [bytes]);
  return row!.hex;
}

/** A version 4 UUID. */
export async function randomUuid(db: SqliteDatabase): Promise<string> {
  const hex = await randomHex(db, 16);
  const variant = '89ab'[Number.parseInt(hex[16]!, 16) % 4]!;
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20)}`;
}

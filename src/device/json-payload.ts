import { DeviceQueueError } from './device-queue-error.ts';

/** Deep enough for any payload of the contract, shallow enough for every JavaScript engine's stack. */
const MAX_DEPTH = 64;

/**
 * The payload as JSON text. `JSON.stringify` alone would silently drop `undefined` and functions and turn
 * NaN into null: a count would reach the server as something that nobody entered. So all of that is
 * refused with `invalid_payload`, naming the place.
 */
export function toJsonText(payload: unknown): string {
  assertJson(payload, 'payload', []);
  return JSON.stringify(payload);
}

function assertJson(value: unknown, path: string, parents: readonly unknown[]): void {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return;
    case 'number':
      if (!Number.isFinite(value)) throw refused(path, `${value} is no JSON number`);
      return;
    case 'object':
      if (value !== null) assertJsonContainer(value, path, parents);
      return;
    default:
      throw refused(path, `${typeof value} is no JSON value`);
  }
}

function assertJsonContainer(value: object, path: string, parents: readonly unknown[]): void {
  if (parents.includes(value)) throw refused(path, 'it contains itself');
  if (parents.length >= MAX_DEPTH) throw refused(path, `nested deeper than ${MAX_DEPTH}`);
  const inside = [...parents, value];
  if (Array.isArray(value)) {
    // By index: `forEach` and `entries` of a hole differ, and a hole is an undefined.
    for (let i = 0; i < value.length; i++) assertJson(value[i], `${path}[${i}]`, inside);
    return;
  }
  if (!isPlainObject(value)) throw refused(path, 'only plain objects and arrays; send a Date as ISO 8601');
  for (const [key, member] of Object.entries(value)) assertJson(member, `${path}.${key}`, inside);
}

function isPlainObject(value: object): boolean {
  return Object.prototype.toString.call(value) === '[object Object]' && !('toJSON' in value);
}

function refused(path: string, reason: string): DeviceQueueError {
  return new DeviceQueueError('invalid_payload', `The operation was not stored: ${path}: ${reason}.`);
}

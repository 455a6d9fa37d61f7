import type { RealTimeEvent, Role } from '../contract/wire-types.ts';
import { formatPosition, parsePosition, type StreamPosition } from './stream-position.ts';

/** An event as the relay hands it out: its frame is ready, nobody has to serialise it again. */
export interface StreamEvent {
  id: string;
  position: StreamPosition;
  type: RealTimeEvent['type'];
  target_roles: Role[];
  /** When it was committed, in ms of MongoDB's clock. */
  committedAtMs: number;
  /** The JSON text frame, `id` included, as bytes. */
  frame: Buffer;
}

/** The start of an epoch; `previous` is the place a reader must come from to have missed nothing. */
export interface EpochStart {
  position: StreamPosition;
  previous: StreamPosition;
}

export type StreamEntry = StreamEvent | EpochStart;

export const isEvent = (entry: StreamEntry): entry is StreamEvent => 'frame' in entry;

/** The fields of one stream entry, name and value in turn. */
type Fields = string[];

/** Writes an event as stream fields. The frame is made here, once for all relays and connections. */
export function eventFields(position: StreamPosition, event: RealTimeEvent, committedAt: Date): Fields {
  return [
    'type',
    event.type,
    'roles',
    event.target_roles.join(','),
    'at',
    String(committedAt.getTime()),
    'frame',
    JSON.stringify({ id: formatPosition(position), ...event }),
  ];
}

export const epochFields = (previous: string): Fields => ['previous', previous];

/** Reads an entry back; undefined when it is not one of ours. */
export function readEntry(id: string, fields: Fields): StreamEntry | undefined {
  const position = parsePosition(id);
  if (!position) return undefined;
  const values = new Map<string, string>();
  for (let i = 0; i + 1 < fields.length; i += 2) values.set(fields[i] ?? '', fields[i + 1] ?? '');
  const previous = parsePosition(values.get('previous') ?? '');
  if (previous) return { position, previous };
  const frame = values.get('frame');
  if (frame === undefined) return undefined;
  return {
    id,
    position,
    type: values.get('type') as StreamEvent['type'],
    target_roles: (values.get('roles') ?? '').split(',') as Role[],
    committedAtMs: Number(values.get('at')),
    frame: Buffer.from(frame),
  };
}

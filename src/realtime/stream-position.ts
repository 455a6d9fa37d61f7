/**
 * A place in the event stream, written `<epoch>-<offset>`. It is a Redis stream id at the same time, which
 * is why an epoch is a number that grows (milliseconds of its start): ids of a later epoch are greater.
 */
export interface StreamPosition {
  epoch: number;
  /** 0 is the start of the epoch itself; its events are 1, 2, 3, … without a hole. */
  offset: number;
}

/** Before the first event that was ever published. */
export const ORIGIN: StreamPosition = { epoch: 0, offset: 0 };

const FORM = /^(\d{1,15})-(\d{1,15})$/;

/** Reads an id; undefined for anything that is not one. */
export function parsePosition(id: string): StreamPosition | undefined {
  const [, epoch, offset] = FORM.exec(id) ?? [];
  return epoch === undefined || offset === undefined
    ? undefined
    : { epoch: Number(epoch), offset: Number(offset) };
}

export const formatPosition = ({ epoch, offset }: StreamPosition): string => `${epoch}-${offset}`;

/** Negative when `a` comes before `b`, 0 when they are the same place. */
export const comparePositions = (a: StreamPosition, b: StreamPosition): number =>
  a.epoch - b.epoch || a.offset - b.offset;

/** What stands at a place: an event, or the start of an epoch with the place readers must come from. */
export interface StreamStep {
  position: StreamPosition;
  previous?: StreamPosition;
}

/**
 * Whether a reader at `at` that meets `step` next has missed nothing: the next event of its epoch, or the
 * start of a new epoch when it had everything that was published in the one before.
 */
export function followsOn(at: StreamPosition, step: StreamStep): boolean {
  const { position, previous } = step;
  if (previous) return at.epoch === previous.epoch && at.offset >= previous.offset;
  return position.epoch === at.epoch && position.offset === at.offset + 1;
}

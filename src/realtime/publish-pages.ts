import type { NumberedRow, PublisherState } from '../db/outbox-publishing.ts';
import { judgeStream } from './judge-stream.ts';
import type { PublishSteps } from './publish-steps.ts';
import { comparePositions, type StreamPosition } from './stream-position.ts';

/** The stream was changed by somebody else between looking and writing. Nothing was written; look again. */
export class StreamMoved extends Error {
  override name = 'StreamMoved';
}

export interface PageReport {
  rows: readonly NumberedRow[];
  startedEpoch: boolean;
  /** Nothing waits: the next look may wait for a ring. */
  idle: boolean;
}

/**
 * The publisher's work in one term, page by page: number the rows, append them, mark them as sent. The next
 * page is numbered only when the one before is marked, so at most one page is ever half done; `settle`
 * finishes it, whoever began it.
 */
export function publishPages(steps: PublishSteps, pageSize: number): { next(): Promise<PageReport> } {
  let settled: { state: PublisherState; last: StreamPosition } | undefined;

  async function next(): Promise<PageReport> {
    if (!settled) return settle();
    const { state, last } = settled;
    const waiting = await steps.readUnnumbered(pageSize);
    if (waiting.length === 0) return (await streamIsAt(last)) ? IDLE : settle();
    // Whatever fails from here on leaves a half-done page: the next call settles it first.
    settled = undefined;
    const numbered = await steps.number(state, waiting);
    settled = { state: numbered.state, last: await send(numbered.state, numbered.page, last) };
    return { rows: numbered.page, startedEpoch: false, idle: false };
  }

  async function settle(): Promise<PageReport> {
    settled = undefined;
    const state = await steps.readState();
    const unsent = await steps.readUnsent(state);
    const last = await steps.lastInStream();
    const sentThrough = (unsent[0]?.offset ?? state.lastOffset + 1) - 1;
    const verdict = judgeStream({ epoch: state.epoch, lastOffset: state.lastOffset, sentThrough, last });
    if (verdict === 'continue' && last) {
      settled = { state, last: await send(state, unsent, last) };
      return { rows: unsent, startedEpoch: false, idle: false };
    }
    const current =
      verdict === 'announce'
        ? state
        : await steps.startEpoch({ state, above: last?.epoch ?? 0, sentThrough });
    settled = { state: current, last: await announce(current, last) };
    return { rows: [], startedEpoch: true, idle: false };
  }

  async function announce(state: PublisherState, last: StreamPosition | undefined): Promise<StreamPosition> {
    const outcome = await steps.announce(state, last);
    if (outcome === 'moved') throw new StreamMoved('The stream changed while an epoch began.');
    if (outcome === 'refused') {
      // Emptied by hand, yet it remembers an id as great as this one: only a later epoch gets in.
      const above = state.epoch;
      const later = await steps.startEpoch({ state, above, sentThrough: state.lastOffset });
      throw new StreamMoved(`The stream refused epoch ${state.epoch}; ${later.epoch} follows.`);
    }
    return { epoch: state.epoch, offset: 0 };
  }

  /** Appends what is not there yet and marks all of it; answers the stream's new last place. */
  async function send(
    state: PublisherState,
    rows: readonly NumberedRow[],
    last: StreamPosition,
  ): Promise<StreamPosition> {
    const through = rows.at(-1)?.offset;
    const from = rows[0]?.offset;
    if (from === undefined || through === undefined) return last;
    const missing = rows.filter((row) => row.offset > last.offset);
    if (missing.length > 0) {
      const outcome = await steps.append(state.epoch, missing, last);
      if (outcome !== 'appended') throw new StreamMoved('The stream changed under a page.');
    }
    await steps.markSent({ epoch: state.epoch, from, through });
    return { epoch: state.epoch, offset: Math.max(through, last.offset) };
  }

  async function streamIsAt(position: StreamPosition): Promise<boolean> {
    const last = await steps.lastInStream();
    return last !== undefined && comparePositions(last, position) === 0;
  }

  return { next };
}

const IDLE: PageReport = { rows: [], startedEpoch: false, idle: true };

import type { DeadLetterAction } from '../../src/db/dead-letters/actions.ts';
import type { DeadLetterView } from '../../src/db/dead-letters/list-letters.ts';
import type { RedriveOutcome } from '../../src/db/dead-letters/redrive-outcome.ts';
import { tableLines } from '../table.ts';

const MAX_REASON_CHARACTERS = 60;

/** The letters as a table, and how many there are in all. */
export function letterTable(letters: readonly DeadLetterView[], total: number): string[] {
  if (letters.length === 0) return ['no dead letters'];
  const columns = ['set aside', 'id', 'queue', 'tries', 'state', 'reason'].map((title) => ({ title }));
  const rows = letters.map((letter) => [
    letter.created_at.toISOString(),
    letter._id,
    letter.queue,
    String(letter.attempts),
    stateOf(letter),
    cut(letter.reason),
  ]);
  return [...tableLines(columns, rows), `${letters.length} of ${total}`];
}

/** One letter, a field a line. */
export function letterLines(letter: DeadLetterView): string[] {
  const { _id, source, queue, reason, attempts, created_at, reference } = letter;
  return fieldLines([
    ['id', _id],
    ['source', source],
    ['queue', queue],
    ['reason', reason],
    ['tries', String(attempts)],
    ['set aside', created_at.toISOString()],
    ['state', stateOf(letter)],
    ...Object.entries(reference).map(([name, value]) => [name, String(value)] as const),
    ...(letter.redrive_batch_id ? [['redrive batch', letter.redrive_batch_id] as const] : []),
  ]);
}

/** What people did with a letter, a line each. */
export const actionLines = (
  actions: readonly Pick<DeadLetterAction, 'action' | 'by' | 'via' | 'at'>[],
): string[] => actions.map(({ action, by, via, at }) => `${at.toISOString()}  ${action} by ${by} (${via})`);

/** What came of a redrive, for people, and whether it is what they wanted. */
export function outcomeLine(id: string, outcome: RedriveOutcome): { line: string; isDone: boolean } {
  switch (outcome.state) {
    case 'redriven':
      return { line: `${id}  sent again`, isDone: true };
    case 'unchanged':
      return { line: `${id}  was sent again before; nothing changed`, isDone: true };
    case 'unknown':
      return { line: `${id}  there is no such dead letter`, isDone: false };
    case 'gone':
      return { line: `${id}  ${outcome.what} ${outcome.remedy}`, isDone: false };
    case 'unreadable':
      return { line: `${id}  its job is none that this build knows`, isDone: false };
    default:
      return outcome satisfies never;
  }
}

const stateOf = ({ redriven_at, redrive_verdict }: DeadLetterView): string =>
  redriven_at ? `redriven${redrive_verdict ? `: ${redrive_verdict}` : ''}` : 'waits';

const cut = (text: string): string =>
  text.length > MAX_REASON_CHARACTERS ? `${text.slice(0, MAX_REASON_CHARACTERS - 1)}…` : text;

function fieldLines(fields: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...fields.map(([name]) => name.length));
  return fields.map(([name, value]) => `${name.padEnd(width)}  ${value}`);
}

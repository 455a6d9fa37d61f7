// What the demo prints: chapters, one aligned line per step, and numbers that people can read. Colour only on
// a terminal and without NO_COLOR, which styleText looks after.
import { styleText } from 'node:util';
import { SingleBar } from 'cli-progress';

const WHO_WIDTH = 13;

type Format = Parameters<typeof styleText>[0];
const styled = (format: Format, text: string): string => styleText(format, text, { stream: process.stdout });

const startedAt = performance.now();
let chapters = 0;

/** Since the demo began. */
export const elapsedSeconds = (): number => (performance.now() - startedAt) / 1000;

let isSilent = false;

/** No chapter and no step is told after this: the story may run on for a moment when it was interrupted. */
export function silence(): void {
  isSilent = true;
}

export function chapter(title: string): void {
  if (isSilent) return;
  chapters += 1;
  console.log(`\n${styled('bold', `${chapters}. ${title}`)}`);
}

/** One line: the time, who did something, what. */
export function step(who: string, text: string): void {
  if (isSilent) return;
  clearSpinner();
  console.log(`${styled('dim', timeColumn())}  ${styled('cyan', who.padEnd(WHO_WIDTH))}  ${text}`);
}

const timeColumn = (): string => `${elapsedSeconds().toFixed(1).padStart(6)} s`;

const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const FRAME_MS = 100;
let isSpinning = false;

/** A turning sign on a terminal while something works that cannot say how far it is. */
export async function withSpinner<T>(work: () => Promise<T>): Promise<T> {
  if (!process.stdout.isTTY) return work();
  let frame = 0;
  const timer = setInterval(() => {
    isSpinning = true;
    process.stdout.write(`\r${timeColumn()}  ${FRAMES[frame++ % FRAMES.length]}`);
  }, FRAME_MS);
  try {
    return await work();
  } finally {
    clearInterval(timer);
    clearSpinner();
  }
}

function clearSpinner(): void {
  if (isSpinning) process.stdout.write('\r\x1b[K');
  isSpinning = false;
}

export const heading = (text: string): void => console.log(`\n${styled('bold', text)}`);
export const good = (text: string): void => console.log(styled('green', text));
export const bad = (text: string): void => console.log(styled('red', text));

/** `12,345`. */
export const whole = (value: number): string => value.toLocaleString('en-US');

/** `12,345.60`; with a sign where `signed`. */
export const decimals = (value: number, digits: number, signed = false): string =>
  value.toLocaleString('en-US', {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
    signDisplay: signed ? 'exceptZero' : 'negative',
  });

/** `1 lock`, `2 locks`. */
export const plural = (count: number, one: string, many = `${one}s`): string =>
  `${whole(count)} ${count === 1 ? one : many}`;

export interface Progress {
  update(done: number, total: number): void;
  stop(): void;
}

/** A bar on a terminal, silence elsewhere: the step's own line tells the end. */
export function progress(what: string): Progress {
  if (!process.stdout.isTTY) return { update: () => {}, stop: () => {} };
  const bar = new SingleBar({
    format: `${' '.repeat(10)}${what.padEnd(WHO_WIDTH)}  {bar} {value}/{total}, {eta_formatted} left`,
    barsize: 30,
    barCompleteChar: '█',
    barIncompleteChar: '░',
    stream: process.stdout,
    clearOnComplete: true,
    hideCursor: true,
  });
  let started = false;
  return {
    update: (done, total) => {
      if (!started) bar.start(total, done);
      started = true;
      bar.setTotal(total);
      bar.update(done);
    },
    stop: () => bar.stop(),
  };
}

// How long steps are shown: one line each with the seconds since the start; on a terminal also a spinner, so
// that a minute of installing does not look like a hang.
const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const FRAME_MS = 100;
const CLEAR_LINE = '\r\x1b[K';

export interface TerminalReport {
  report(message: string): void;
  /** Ends the spinner. */
  done(): void;
}

export function terminalReport(stream: NodeJS.WriteStream): TerminalReport {
  const startedAt = performance.now();
  const seconds = () => `${((performance.now() - startedAt) / 1000).toFixed(1).padStart(5)} s`;
  let spinner: NodeJS.Timeout | undefined;
  let frame = 0;
  const spin = () => stream.write(`${CLEAR_LINE}${seconds()}  ${FRAMES[frame++ % FRAMES.length]}`);
  const done = () => {
    if (spinner === undefined) return;
    clearInterval(spinner);
    spinner = undefined;
    stream.write(CLEAR_LINE);
  };
  return {
    report: (message) => {
      done();
      stream.write(`${seconds()}  ${message}\n`);
      // unref: a forgotten done() must not keep the process alive.
      if (stream.isTTY) spinner = setInterval(spin, FRAME_MS).unref();
    },
    done,
  };
}

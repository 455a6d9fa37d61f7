// What every script under scripts/ has in common: --help, refusal of unknown flags, exit codes.
import { type ParseArgsConfig, type ParseArgsOptionsConfig, parseArgs } from 'node:util';

/** Bad input of the person at the keyboard: printed as one line, exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

type Parsed<Options extends ParseArgsOptionsConfig> = ReturnType<
  typeof parseArgs<{ options: Options; allowPositionals: true; strict: true }>
>;

export interface Script<Options extends ParseArgsOptionsConfig> {
  /** What a person typed, for example `npm run services --`. Starts each error line. */
  readonly name: string;
  /** The whole text of `--help`. */
  readonly usage: string;
  /** The flags, as node:util `parseArgs` takes them. `--help` and `-h` are added. */
  readonly options: Options;
  /** How many arguments without a dash are accepted; more are refused. Default 0. */
  readonly maxPositionals?: number;
  /** Does the work; a returned number is the exit code (default 0). */
  readonly run: (
    values: Parsed<Options>['values'],
    positionals: readonly string[],
  ) => Promise<number | undefined>;
}

/**
 * Runs a script by the project's conventions: `--help` prints the usage and exits 0; an unknown flag, a
 * flag without its value, or a thrown {@link UsageError} prints one line and exits 2; any other error
 * exits 1. Only `process.exitCode` is set, so output is flushed and open handles are not cut off.
 */
export async function runScript<const Options extends ParseArgsOptionsConfig>(
  script: Script<Options>,
): Promise<void> {
  try {
    const { values, positionals } = parse(script);
    if (asksForHelp(values)) {
      console.log(script.usage.trim());
      return;
    }
    process.exitCode = (await script.run(values, positionals)) ?? 0;
  } catch (error) {
    process.exitCode = error instanceof UsageError ? 2 : 1;
    console.error(`${script.name}: ${describe(error)}`);
  }
}

function parse<Options extends ParseArgsOptionsConfig>(script: Script<Options>): Parsed<Options> {
  const config = {
    options: { ...script.options, help: { type: 'boolean', short: 'h' } },
    allowPositionals: true,
    strict: true,
  } satisfies ParseArgsConfig;
  let parsed: Parsed<Options>;
  try {
    parsed = parseArgs(config) as unknown as Parsed<Options>;
  } catch (error) {
    // Node appends advice after the first sentence, or on lines of its own; one clear line is enough.
    const [sentence] = (error as Error).message.split(/\. |\n/);
    throw new UsageError(`${sentence?.replace(/\.$/, '')}; ${knownFlags(script.options)}`);
  }
  const surplus = parsed.positionals[script.maxPositionals ?? 0];
  if (surplus !== undefined && !asksForHelp(parsed.values)) {
    throw new UsageError(`unexpected argument '${surplus}'; --help shows what is possible`);
  }
  return parsed;
}

function knownFlags(options: ParseArgsOptionsConfig): string {
  return `known flags: ${[...Object.keys(options), 'help'].map((flag) => `--${flag}`).join(', ')}`;
}

function asksForHelp(values: object): boolean {
  return (values as { help?: boolean }).help === true;
}

// The project's own error classes carry a message that says what to do; only a surprise needs its stack.
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const builtIn = /^(Error|TypeError|RangeError|ReferenceError|SyntaxError|AssertionError)$/.test(error.name);
  return builtIn ? (error.stack ?? error.message) : error.message;
}
